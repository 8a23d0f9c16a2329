"""Packing equals single prompts; a stage resumes where it stopped; parts fit together."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
)

from prunescope.errors import InputError
from prunescope.testbed import dataset
from prunescope.testbed.questions import ASK, describe
from prunescope.testbed.scenes import GRID, PATCH, SPLITS, make_scene
from prunescope.training.assembly import assemble, save
from prunescope.training.labels import LOCAL_SIZES, label
from prunescope.training.language import train_symbols
from prunescope.training.optimisation import Recipe, muon_and_adamw, train
from prunescope.training.packing import IMAGES_MIX, PREFIX, SYMBOLS_MIX, attention_bias, pack
from prunescope.training.reader import Projector, decoder_config
from prunescope.training.vision import TOWERS, features, pixels, train_tower
from prunescope.training.vocabulary import ID, WORDS, encode, prompt


@pytest.fixture(scope="module", params=[("siglip", "rope"), ("swin", "rope-2d")])
def parts(request):
    torch.manual_seed(0)
    tower, positions = request.param
    decoder = AutoModelForCausalLM.from_config(decoder_config(positions)).eval()
    return AutoModel.from_config(TOWERS[tower]).eval(), Projector(), decoder


def test_packed_rows_equal_single_prompts(parts):
    *_, decoder = parts
    scene = make_scene(5)
    packed = pack([scene], np.random.default_rng(0), SYMBOLS_MIX)
    visual = torch.randn(1, GRID**2, 128)
    words = decoder.model.embed_tokens
    inputs = torch.cat([words(packed.tokens[:, :1]), visual, words(packed.tokens[:, PREFIX:])], 1)
    for backend in ("eager", "packed"):
        decoder.set_attn_implementation(backend)
        together = decoder.model(
            inputs_embeds=inputs,
            attention_mask=attention_bias(packed.blocks, torch.float32),
            position_ids=packed.positions,
        ).last_hidden_state
        decoder.set_attn_implementation("eager")
        for block in range(1, int(packed.blocks.max()) + 1):
            asked = packed.blocks[0] == block
            alone = torch.cat([inputs[:, :PREFIX], inputs[:, asked]], 1)
            single = decoder.model(inputs_embeds=alone).last_hidden_state[:, PREFIX:]
            torch.testing.assert_close(together[:, asked], single, atol=2e-4, rtol=0)


def test_packed_questions_weigh_alike():
    packed = pack([make_scene(1), make_scene(2)], np.random.default_rng(0), IMAGES_MIX)
    for row in range(2):
        for block in range(1, int(packed.blocks[row].max()) + 1):
            weight = packed.weights[row][packed.blocks[row] == block].sum()
            assert weight == pytest.approx(1.05)
    assert (packed.weights[packed.blocks <= 0] == 0).all()


def test_every_word_of_every_question_is_known():
    for seed in range(200):
        scene, rng = make_scene(seed), np.random.default_rng(seed)
        for ask in (*ASK.values(), describe):
            if question := ask(scene, rng):
                ids = encode(f"{prompt(question.text)} {question.answer}")
                assert ID["<unk>"] not in ids and max(ids) < len(WORDS)


def test_labels_name_the_object_of_a_patch():
    for seed in range(20):
        scene = make_scene(seed)
        local = label(scene).local.reshape(GRID, GRID, len(LOCAL_SIZES))
        for number, o in enumerate(scene.objects):
            row, col = int(o.centre[1] // PATCH), int(o.centre[0] // PATCH)
            patch = scene.owner[row * PATCH : (row + 1) * PATCH, col * PATCH : (col + 1) * PATCH]
            if (patch == number).all():
                left, top = int(o.box[0] * 32), int(o.box[1] * 32)
                assert tuple(local[row, col, 2:4]) == (left, top)


def toy_loss(module):
    return lambda step: ((module.weight - step).square().mean(), {})


def steppers(module, recipe):
    return muon_and_adamw(module, recipe, lambda name: True)


def test_a_stage_resumes_where_it_stopped(tmp_path):
    whole, halves = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
    halves.load_state_dict(whole.state_dict())
    recipe = Recipe(8, 1, 0.1, 0.1, checkpoint_every=4)
    train(whole, toy_loss(whole), recipe, steppers(whole, recipe), tmp_path / "whole.pt")

    def stopping(step):
        if step == 6:
            raise KeyboardInterrupt
        return toy_loss(halves)(step)

    with pytest.raises(KeyboardInterrupt):
        train(halves, stopping, recipe, steppers(halves, recipe), tmp_path / "halves.pt")
    train(halves, toy_loss(halves), recipe, steppers(halves, recipe), tmp_path / "halves.pt")
    assert torch.equal(whole.weight, halves.weight)


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    module, path = torch.nn.Linear(2, 2), tmp_path / "stage.pt"
    short = Recipe(2, 1, 0.1, 0.1)
    train(module, toy_loss(module), short, steppers(module, short), path)
    with pytest.raises(InputError, match=r"stage\.pt: checkpoint of another recipe"):
        train(module, toy_loss(module), Recipe(3, 1, 0.1, 0.1), steppers(module, short), path)


@pytest.mark.parametrize("stage", [train_tower, train_symbols])
def test_stages_lower_their_loss(stage, tmp_path):
    _, start = stage(Recipe(1, 2, 1e-3, 1e-3, warmup=1), tmp_path / "one.pt")
    _, end = stage(Recipe(5, 2, 2e-3, 2e-3, warmup=1), tmp_path / "five.pt")
    assert end["loss"] < start["loss"]


@pytest.mark.parametrize(
    ("positions", "matter"), [("rope", True), ("rope-1m", True), ("rope-2d", True), ("none", False)]
)
def test_positions_of_the_decoder(positions, matter):
    torch.manual_seed(0)
    decoder = AutoModelForCausalLM.from_config(decoder_config(positions)).eval()
    tokens, given = torch.arange(3, 12)[None], torch.tensor([[0, 7, 2, 9, 30, 4, 1, 8, 80]])
    with torch.no_grad():
        plain, moved = decoder(tokens).logits, decoder(tokens, position_ids=given).logits
    assert torch.allclose(plain, moved, atol=1e-6) != matter


def test_features_are_what_llava_takes(parts):
    model = assemble(*parts)
    images = pixels([make_scene(3)])
    with torch.no_grad():
        ours = model.model.multi_modal_projector(features(model.model.vision_tower, images))
        stock = model.model.get_image_features(pixel_values=images)
    stock = getattr(stock, "pooler_output", stock)
    torch.testing.assert_close(ours[0], stock[0].reshape(GRID**2, -1), atol=1e-6, rtol=0)


def test_the_folder_loads_with_from_pretrained_alone(parts, tmp_path):
    assembled = assemble(*parts)
    digest = save(assembled, tmp_path)
    assert hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest() == digest
    assert (tmp_path / "model.safetensors").stat().st_size <= 12e6
    model = AutoModelForImageTextToText.from_pretrained(tmp_path)
    processor = AutoProcessor.from_pretrained(tmp_path)
    assert model.dtype == torch.float32
    scene = make_scene(3)
    inputs = processor(
        images=[Image.fromarray(scene.render())],
        text=["<image> " + prompt("where is the red circle")],
        return_tensors="pt",
    )
    assert (inputs["input_ids"][0, 1:PREFIX] == ID["<image>"]).all()
    assert processor.tokenizer.decode(inputs["input_ids"][0, -1:]) == "Out:"
    torch.testing.assert_close(inputs["pixel_values"], pixels([scene]), atol=1e-6, rtol=0)
    with torch.no_grad():  # the frequencies of RoPE were rounded with the weights in one of them
        loaded, ours = model(**inputs).logits, assembled(**inputs).logits
    torch.testing.assert_close(loaded, ours, atol=1e-2, rtol=0)
    assert model.generate(**inputs, max_new_tokens=3).shape == (1, PREFIX + 7 + 3)


def test_evaluation_sets_are_frozen_and_balanced():
    examples = dataset.load_questions("test", "locate")
    assert examples.features == dataset.column_types()
    assert len(examples) == 1000 and len(set(examples["image_id"])) == 500
    assert len(set(examples["id"])) == 1000
    assert set(examples["image_id"]) == set(dataset.load_questions("test", "count")["image_id"])
    assert min(dataset._frozen()["test"]["seeds"]) >= SPLITS["test"].start


def test_a_changed_generator_is_noticed(monkeypatch):
    rows = list(dataset._rows("dev", "count", "terse"))
    rows[0] = {**rows[0], "answer": "7"}
    monkeypatch.setattr(dataset, "_rows", lambda split, task, wording: rows)
    with pytest.raises(InputError, match=r"dev\.digests\.terse\.count: the generator makes"):
        dataset.load_questions("dev", "count")


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="split 'train' is not one of"):
        dataset.load_questions("train", "locate")
    with pytest.raises(InputError, match="task 'ocr' is not one of"):
        dataset.load_questions("test", "ocr")
