"""A Prismatic checkpoint becomes a stock LLaVA that computes the same."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from jinja2 import TemplateError
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    LlavaForConditionalGeneration,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from helpers import prismatic_reference as original
from helpers import tiny_prismatic as mini
from prunescope.checkpoints.prismatic import convert
from prunescope.cli import main
from prunescope.criteria.attention import Attention
from prunescope.criteria.uniform import Uniform
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.pruning import prune

QUESTION = "Where is the owl?\nAnswer a or b."
PROMPT = f"In: {QUESTION}\nOut:"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Checkpoint, vision weights and tokenizer on disk."""
    folder = tmp_path_factory.mktemp("prismatic")
    return {
        "checkpoint": mini.save_checkpoint(folder / "run"),
        "vision": mini.save_vision(folder / "siglip.safetensors"),
        "tokenizer": mini.save_tokenizer(folder / "llama"),
    }


@pytest.fixture(scope="module")
def converted(parts, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "llava"
    assert main(arguments(parts, out)) == 0
    return out


@pytest.fixture(scope="module")
def processor(converted):
    return AutoProcessor.from_pretrained(converted, backend="pil")


@pytest.fixture(scope="module")
def model(converted):
    return AutoModelForImageTextToText.from_pretrained(converted).eval()


@pytest.fixture(scope="module")
def picture():
    """Twice as high as wide."""
    values = np.random.default_rng(0).integers(0, 256, (50, 25, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((250, 500), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def inputs(processor, picture):
    return processor(images=picture, text=f"<image>{PROMPT}", return_tensors="pt")


def arguments(parts: dict[str, Path], out: Path) -> list[str]:
    options = ["--vision", str(parts["vision"]), "--tokenizer", str(parts["tokenizer"])]
    return ["convert-prismatic", str(parts["checkpoint"]), str(out), *options]


def conversation(*turns: str) -> list[dict]:
    """Turns of user and assistant; the picture comes with the first."""
    content = [[{"type": "text", "text": turn}] for turn in turns]
    content[0].insert(0, {"type": "image"})
    roles = ["user", "assistant"] * len(turns)
    return [{"role": r, "content": c} for r, c in zip(roles, content, strict=False)]


def tokens_of(parts, text: str) -> list[int]:
    """As the original's tokenizer reads its file."""
    return Tokenizer.from_file(str(parts["tokenizer"] / "tokenizer.json")).encode(text).ids


def test_logits_are_the_original_s(parts, model, inputs):
    assert type(model) is LlavaForConditionalGeneration
    picture = original.project(original.siglip_features(inputs["pixel_values"][0]))
    expected = original.logits(tokens_of(parts, PROMPT), picture)
    with torch.no_grad():
        actual = model(**inputs).logits[0]
    assert expected.std() > 0.5
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


def test_prompt_is_bos_image_text(parts, processor, model, inputs):
    image, (bos, *text) = model.config.image_token_id, tokens_of(parts, PROMPT)
    assert inputs["input_ids"].tolist() == [[bos, *[image] * 729, *text]]
    assert image == len(mini.vocabulary()) + 1 < mini.rows()
    assert processor.tokenizer.pad_token == "<PAD>"
    assert model.generation_config.pad_token_id == len(mini.vocabulary())


def test_chat_template_is_the_pure_prompt(processor, picture, inputs):
    messages = conversation(f" {QUESTION} \n")
    assert processor.apply_chat_template(messages) == f"<s><image>{PROMPT}"
    messages[0]["content"][0]["image"] = picture
    chat = processor.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True
    )
    assert torch.equal(chat["input_ids"], inputs["input_ids"])
    assert torch.equal(chat["pixel_values"], inputs["pixel_values"])


def test_chat_template_of_several_turns(processor):
    several = processor.apply_chat_template(conversation("a?", "b", "c?"))
    assert several == "<s><image>In: a?\nOut: b</s>In: c?\nOut:"
    assert processor.apply_chat_template([{"role": "user", "content": "a?"}]) == "<s>In: a?\nOut:"
    for wrong in (conversation("a", "b")[1:], [{"role": "system", "content": "a"}]):
        with pytest.raises(TemplateError, match="alternate"):
            processor.apply_chat_template(wrong)
    two = conversation("a?")
    two[0]["content"] *= 2
    with pytest.raises(TemplateError, match="one image"):
        processor.apply_chat_template(two)


def test_pictures_become_squares(inputs, picture):
    square = picture.convert("RGB").resize((384, 384), Image.Resampling.BICUBIC)
    expected = (torch.tensor(np.array(square)).permute(2, 0, 1) / 255 - 0.5) / 0.5
    torch.testing.assert_close(inputs["pixel_values"][0], expected, atol=1e-6, rtol=0)


def test_dtype_and_shards_of_the_files(parts, tmp_path, converted):
    convert(**parts, out=tmp_path / "out", dtype="bfloat16", max_shard_size="10MB")
    half = {}
    for file in sorted((tmp_path / "out").glob("*.safetensors")):
        half |= load_file(file)
    full = load_file(converted / "model.safetensors")
    assert len(list((tmp_path / "out").glob("*.safetensors"))) > 1
    assert all(torch.equal(half[name], full[name].bfloat16()) for name in full)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["dtype"] == "bfloat16"


def test_a_disk_without_room_is_told_before_anything_is_written(parts, tmp_path, monkeypatch):
    # float32 weights of the miniature take 28 MB, and half of that in bfloat16
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000_000))
    with pytest.raises(InputError, match=r"full: 0[.]03 GB to write, 0[.]02 GB are free"):
        convert(**parts, out=tmp_path / "out", dtype="float32")
    assert not (tmp_path / "out").exists()
    convert(**parts, out=tmp_path / "half", dtype="bfloat16")


@pytest.mark.parametrize("prefix", ["vision_model.", ""])
def test_vision_weights_of_hugging_face(parts, model, tmp_path, prefix):
    tower = model.model.vision_tower
    config = SiglipVisionConfig(**tower.config.to_dict() | {"vision_use_head": True})
    whole = SiglipVisionModel(config)
    whole.load_state_dict(tower.state_dict(), strict=False)
    weights = {
        prefix + name.removeprefix("vision_model."): tensor.contiguous()
        for name, tensor in whole.state_dict().items()
    }
    (tmp_path / "siglip").mkdir()
    save_file(weights, tmp_path / "siglip" / "model.safetensors")
    convert(**parts | {"vision": tmp_path / "siglip"}, out=tmp_path / "out")
    again = AutoModelForImageTextToText.from_pretrained(tmp_path / "out")
    assert all(map(torch.equal, again.state_dict().values(), model.state_dict().values()))


def test_feather_on_its_model(parts, model, inputs):
    without_rope = Attention(rope=False)
    first = Stage(8, without_rope, keep=1 - 0.7, always=Uniform(3, start="corner"))
    feather = Method([first, Stage(16, without_rope, keep=(1 - 0.7) ** 2)], "feather")
    with prune(model, feather) as trace:
        model.generate(**inputs, max_new_tokens=2)
    [kept], [left] = trace.kept
    grid = torch.arange(729).view(27, 27)[::3, ::3].flatten().tolist()
    picture = original.project(original.siglip_features(inputs["pixel_values"][0]))
    scores = original.scores(tokens_of(parts, PROMPT), picture, layer=8)
    best = set(scores.topk(218).indices.tolist())
    assert set(kept.tolist()) == best | set(grid)
    assert set(left.tolist()) < set(kept.tolist()) and len(left) == int(len(kept) * (1 - 0.7) ** 2)
    text = inputs["input_ids"].shape[1] - 729
    sizes = [729] * 8 + [len(kept)] * 8 + [len(left)] * 2
    assert trace.kv_lengths == [[text + size] for size in sizes]


@pytest.mark.parametrize(
    ("key", "value", "supported"),
    [
        ("arch_specifier", "no-align+fused-gelu-mlp", "no-align+gelu-mlp"),
        ("vision_backbone_id", "dinoclip-vit-l-336px", "siglip-vit-so400m-384px"),
        ("llm_backbone_id", "vicuna-v15-7b", "llama2-7b-pure"),
        ("image_resize_strategy", "letterbox", "resize-naive"),
    ],
)
def test_other_models_are_refused(parts, tmp_path, key, value, supported):
    run = mini.save_checkpoint(tmp_path / "run", **{key: value})
    with pytest.raises(InputError) as error:
        convert(**parts | {"checkpoint": run}, out=tmp_path / "out")
    assert f"model.{key}: '{value}' is not supported; supported: ['{supported}'" in str(error.value)


def test_wrong_tensors_are_named(parts, tmp_path):
    run = mini.save_checkpoint(tmp_path / "run")
    file = run / "checkpoints" / "latest-checkpoint.pt"
    stored = torch.load(file)
    llm = stored["model"]["llm_backbone"]
    llm["llm.model.layers.3.extra"] = llm.pop("llm.model.layers.3.mlp.up_proj.weight")
    stored["model"]["vision_backbone"] = {"featurizer.pos_embed": torch.zeros(1)}
    stored["model"]["projector"]["projector.2.bias"] = torch.zeros(7)
    torch.save(stored, file)
    message = (
        r"missing: model.language_model.layers.3.mlp.up_proj.weight; "
        r"unexpected: model.language_model.layers.3.extra, vision_backbone.featurizer.pos_embed; "
        r"of another shape: model.multi_modal_projector.linear_2.bias \(7,\), not \(256,\)"
    )
    with pytest.raises(InputError, match=message):
        convert(**parts | {"checkpoint": run}, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"model": Path("anything else")}, "nothing else: Weights only load failed"),
        ({"model": {"projector": {}}}, "'projector': ..., 'llm_backbone': ..."),
        ({"model": {"projector": {}, "llm_backbone": []}}, "expected {'model'"),
        ([], "expected {'model'"),
    ],
)
def test_wrong_checkpoints(parts, tmp_path, stored, message):
    run = mini.save_checkpoint(tmp_path / "run")
    torch.save(stored, run / "checkpoints" / "latest-checkpoint.pt")
    with pytest.raises(InputError, match=message):
        convert(**parts | {"checkpoint": run}, out=tmp_path / "out")


def test_wrong_vision_weights(parts, tmp_path):
    narrow, small, other = (tmp_path / name for name in ("narrow", "small", "other"))
    weights = mini.timm_weights()
    save_file(weights | {"patch_embed.proj.weight": torch.zeros(100, 3, 14, 14)}, narrow)
    save_file(weights | {"pos_embed": torch.zeros(1, 256, mini.VISION)}, small)
    save_file({"a": torch.zeros(1)}, other)
    cases = {
        narrow: "width 100 of the vision tower is not a multiple of its head size 72",
        small: r"position_embedding.weight \(256, 144\), not \(729, 144\)",
        other: "one name ends in one of .*; 0 do",
        tmp_path: "0 do",
        tmp_path / "nowhere": "cannot be read as safetensors",
        parts["checkpoint"] / "config.json": "cannot be read as safetensors",
    }
    for vision, message in cases.items():
        with pytest.raises(InputError, match=message):
            convert(**parts | {"vision": vision}, out=tmp_path / "out")


def test_wrong_tokenizers(parts, tmp_path):
    words = json.loads((parts["tokenizer"] / "tokenizer.json").read_text())
    first = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    longer = {f"word{i}": len(mini.vocabulary()) + i for i in range(64)}
    wrong = {
        "other": words | {"normalizer": None, "pre_tokenizer": first},
        "long": words | {"model": words["model"] | {"vocab": mini.vocabulary() | longer}},
    }
    for name, changed in wrong.items():
        folder = shutil.copytree(parts["tokenizer"], tmp_path / name)
        (folder / "tokenizer.json").write_text(json.dumps(changed))
    cases = {
        "other": "in the same way as at the start",
        "long": "rows; the tokenizer's",
        "": "no tokenizer",
    }
    for name, message in cases.items():
        with pytest.raises(InputError, match=message):
            convert(**parts | {"tokenizer": tmp_path / name}, out=tmp_path / "out")


def test_command_line_says_what_is_wrong(parts, converted, tmp_path, capsys):
    missing = parts | {"checkpoint": tmp_path}
    assert main(arguments(missing, tmp_path / "out")) == 2
    assert f"prunescope convert-prismatic: {tmp_path / 'config.json'}" in capsys.readouterr().err
    assert main(arguments(parts, converted)) == 2
    assert "exists already and is not an empty folder" in capsys.readouterr().err
    assert main([*arguments(parts, tmp_path / "out"), "--dtype", "int8"]) == 2
    assert "'int8' is not one of ['bfloat16', 'float16', 'float32']" in capsys.readouterr().err
