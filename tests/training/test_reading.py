"""A pretrained decoder that learns to see: its stages, resumed, written and merged."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.tiny_decoder import save_decoder
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.merging import merge
from prunescope.errors import InputError
from prunescope.evaluation.evaluate import evaluate
from prunescope.methods import Method
from prunescope.records.store import RecordStore
from prunescope.tasks.card import find_card, read_task
from prunescope.testbed.scenes import make_scene
from prunescope.training.ideal_tokens import IdealTokens
from prunescope.training.optimisation import Recipe, load_stage, milestone, trained
from prunescope.training.patch_labels import shown_objects
from prunescope.training.patch_tower import PatchTower
from prunescope.training.question_rows import attention_bias, question_rows
from prunescope.training.reading import (
    LOCATIONS,
    Reader,
    Sight,
    answer_loss,
    ideal_stage,
    projector_of,
    train_ideal,
    train_projector,
    train_reading,
    with_wrong_corners,
)
from prunescope.training.restoring import images_of, restore
from prunescope.training.trained_parts import decoder_digest, write_trained
from prunescope.training.vision import pixels

RECIPE = Recipe(steps=4, batch=2, rate=2e-3, matrix_rate=1e-3, warmup=2, checkpoint_every=2)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return save_decoder(tmp_path_factory.mktemp("decoder"))


def reader_of(decoder):
    return Reader.of(decoder, rank=2)


def test_only_updates_and_new_vectors_are_trained(decoder, tmp_path):
    before = {k: v.clone() for k, v in reader_of(decoder).decoder.state_dict().items()}
    stage, metrics = train_ideal(reader_of(decoder), RECIPE, tmp_path / "ideal.pt")
    frozen = {name for name, value in stage.named_parameters() if not value.requires_grad}
    state = stage["reader"].decoder.state_dict()
    assert all(
        torch.equal(before[k], v) for k, v in state.items() if not k.endswith((".up", ".down"))
    )
    assert any("q_proj.base" in name for name in frozen)
    assert all(v.abs().sum() > 0 for k, v in state.items() if k.endswith(".up"))
    assert metrics["step"] == 4 and np.isfinite(metrics["loss"])


def test_a_resumed_stage_equals_an_uninterrupted_one(decoder, tmp_path):
    whole, _ = train_ideal(reader_of(decoder), RECIPE, tmp_path / "whole.pt")
    half = replace(RECIPE, steps=2, horizon=4)
    train_ideal(reader_of(decoder), half, tmp_path / "part.pt")
    state = torch.load(tmp_path / "part.pt", weights_only=True)
    state["recipe"] = torch.load(tmp_path / "whole.pt", weights_only=True)["recipe"]
    torch.save(state, tmp_path / "part.pt")
    resumed, _ = train_ideal(reader_of(decoder), RECIPE, tmp_path / "part.pt")
    for name, value in trained(whole).items():
        torch.testing.assert_close(trained(resumed)[name], value, rtol=0, atol=0)


def test_weights_at_milestones_are_kept(decoder, tmp_path):
    recipe = replace(RECIPE, milestones=[0, 3])
    stage, _ = train_ideal(reader_of(decoder), recipe, tmp_path / "ideal.pt")
    first, later = (
        torch.load(milestone(tmp_path / "ideal.pt", step), weights_only=True)["module"]
        for step in (0, 3)
    )
    assert first.keys() == later.keys() == trained(stage).keys()
    updates = [name for name in first if name.endswith(".up")]
    assert all(first[name].abs().sum() == 0 < later[name].abs().sum() for name in updates)


def test_a_question_in_a_row_is_answered_as_if_it_stood_alone(decoder):
    reader = reader_of(decoder)
    scenes = [make_scene(5)]
    visual = IdealTokens(12, reader.vectors, reader.locations)(scenes)
    end = reader.tokenizer.eos_token_id
    rows = question_rows(scenes, np.random.default_rng(1), reader.encode, end)
    alone = replace(rows, weights=torch.where(rows.blocks == 3, rows.weights, 0))
    kept = rows.blocks[0] == 3
    padding = len(kept) - int(kept.sum())
    single = type(rows)(
        *(
            torch.nn.functional.pad(getattr(rows, name)[:, kept], (0, padding), value=filler)
            for name, filler in zip(vars(rows), (end, 0, -1, 0, -1), strict=True)
        )
    )
    in_row, _ = answer_loss(reader.float(), visual, alone)
    by_itself, _ = answer_loss(reader.float(), visual, single)
    torch.testing.assert_close(in_row, by_itself, rtol=1e-4, atol=1e-4)


def test_the_mask_lets_a_token_see_the_image_and_its_own_question():
    seen = attention_bias(torch.tensor([[1, 1, 2, -1]]), prefix=2)[0, 0] == 0
    assert seen.int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 0, 1],
    ]


def test_a_token_holds_nothing_of_another_patch_but_what_the_image_holds(decoder):
    tokens = IdealTokens(12, reader_of(decoder).vectors, reader_of(decoder).locations)
    one = make_scene(5)
    moved = replace(one.objects[0], left=0 if one.objects[0].left > 40 else 60)
    other = replace(one, objects=(moved, *one.objects[1:]))
    same = (shown_objects(one, 12) != 0) & (shown_objects(other, 12) != 0)
    same &= shown_objects(one, 12) == shown_objects(other, 12)
    first, second = tokens([one])[0], tokens([other])[0]
    assert torch.equal(first[same], second[same]) and not torch.equal(first, second)


def test_a_finer_grid_has_the_places_of_the_coarse_one(decoder):
    coarse = IdealTokens(12, reader_of(decoder).vectors, reader_of(decoder).locations)
    fine = coarse.refined(24)
    assert fine([make_scene(1)]).shape == (1, 576, 32)
    assert torch.equal(fine.rows[1], coarse.rows[0]) and torch.equal(fine.rows[2], coarse.rows[1])


@pytest.fixture(scope="module")
def stages(decoder, tmp_path_factory):
    """All stages, a few steps each: the reader, its sight, and the folder of what was trained."""
    folder = tmp_path_factory.mktemp("stages")
    stage, _ = train_ideal(reader_of(decoder), RECIPE, folder / "ideal.pt")
    torch.manual_seed(0)
    tower = PatchTower(12).requires_grad_(False).tower
    train_projector(tower, stage["tokens"], RECIPE, folder / "projector.pt")
    projector = load_stage(projector_of(stage["reader"]), folder / "projector.pt")
    sight = Sight(tower, projector)
    train_reading(stage["reader"], sight, RECIPE, folder / "reading.pt")
    parts = (sight, stage["tokens"], stage["reader"])
    write_trained(folder / "trained", *parts, decoder_digest(decoder))
    return stage["reader"], sight, folder / "trained"


def test_the_merged_model_is_the_trained_one(decoder, stages, tmp_path):
    reader, sight, folder = stages
    digest = merge(decoder, folder, tmp_path / "model")
    loaded = Checkpoint("smol", tmp_path / "model").load()
    assert Checkpoint("smol", tmp_path / "model").weights == digest
    scene = make_scene(10**9)
    ids = reader.encode("\nWhere is the red circle?" + "".join(LOCATIONS[:3]))
    tokens, end = torch.tensor([ids]), reader.tokenizer.bos_token_id
    with torch.no_grad():
        start = reader.words[end][None, None]
        inputs = torch.cat([start, sight([scene]), reader.embed(tokens)], 1)
        hidden = reader.decoder.float().model(inputs_embeds=inputs).last_hidden_state
        expected = reader.logits(hidden)
        image = loaded.processor.tokenizer.convert_tokens_to_ids("<image>")
        prompt = torch.tensor([[end, *[image] * 144, *ids]])
        logits = loaded.model(input_ids=prompt, pixel_values=pixels([scene])).logits
    logits = torch.cat([logits[..., :image], logits[..., image + 1 :]], -1)
    torch.testing.assert_close(logits, expected, rtol=0.02, atol=0.02)


def test_some_corners_that_the_decoder_sees_are_wrong_and_nothing_else():
    tokens = torch.arange(40).repeat(50, 1)  # ids from 8 on are location tokens
    seen = with_wrong_corners(tokens, 8)
    assert torch.equal(seen[:, :8], tokens[:, :8])
    assert 0.4 < (seen[:, 8:] != tokens[:, 8:]).float().mean() < 0.55
    assert seen.min() == 0 and seen[:, 8:].min() >= 8 and seen.max() < 40
    assert torch.equal(seen, with_wrong_corners(tokens, 8))  # follows from the tokens alone


def test_training_goes_on_from_what_was_written(decoder, stages):
    reader, _, folder = stages
    stage = ideal_stage(reader_of(decoder))
    restore(stage, folder)
    trained = dict(reader.named_parameters())
    for name, value in stage["reader"].named_parameters():
        if value.requires_grad:  # stored in two bytes
            torch.testing.assert_close(value, trained[name], rtol=1e-3, atol=1e-4)
    (folder / "bias_course.csv").write_text("images,value\n0,0.5\n40,0.6\n")
    assert images_of(folder) == 40


def test_the_merged_model_answers_a_study(decoder, stages, tmp_path):
    merge(decoder, stages[2], tmp_path / "model")
    checkpoint = Checkpoint("smol", tmp_path / "model")
    for name in ("locate", "count"):
        task = read_task(find_card(name), "smol")
        methods = {"unpruned": Method(name="unpruned")}
        records = evaluate(checkpoint, task, methods, RecordStore(tmp_path / "store"), limit=2)
        assert len(records) == 2


def test_location_tokens_stay_in_answers(decoder, stages, tmp_path):
    merge(decoder, stages[2], tmp_path / "model")
    processor = Checkpoint("smol", tmp_path / "model").load().processor
    ids = processor.tokenizer(" <loc03><loc31>")["input_ids"]
    assert ids[0] == processor.tokenizer.bos_token_id
    text = processor.batch_decode([ids], skip_special_tokens=True)[0]
    assert "<loc03>" in text and "<loc31>" in text


def test_updates_of_another_decoder_are_refused(stages, tmp_path):
    other = save_decoder(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match=r"other: the decoder's weights have digest .* trained on"):
        merge(other, stages[2], tmp_path / "model")


def test_a_folder_that_does_not_say_how_to_merge(decoder, tmp_path):
    with pytest.raises(InputError, match=r"merging\.json: there is no such file"):
        merge(decoder, tmp_path, tmp_path / "model")
    Path(tmp_path / "merging.json").write_text('{"decoder": "", "image": ""}')
    with pytest.raises(InputError, match=r"keys are decoder, tokens, image"):
        merge(decoder, tmp_path, tmp_path / "model")
