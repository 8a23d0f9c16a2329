"""Incomplete and damaged folders of models: the error is one line that says what to do."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from helpers.chat_model import save_model
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.study.models import model_files

WEIGHTS = "model.safetensors"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 5\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def copy(model, tmp_path):
    return shutil.copytree(model, tmp_path / "copy")


def ask(folder):
    with pytest.raises(InputError) as raised:
        Checkpoint("tiny", folder).load()
    message = str(raised.value)
    assert "\n" not in message and message.startswith("model 'tiny': ")
    return message


@pytest.mark.parametrize("size", [0, 5, 5000, -1])
def test_weights_that_are_cut_short(copy, size):
    path = copy / WEIGHTS
    path.write_bytes(path.read_bytes()[:size])
    message = ask(copy)
    assert f"{path} is damaged or incomplete" in message and message.endswith("fetch it again")


def test_weights_with_more_than_their_header_says(copy):
    path = copy / WEIGHTS
    path.write_bytes(path.read_bytes() + b"x")
    assert f"{path} is damaged or incomplete" in ask(copy)


def test_a_missing_file_of_several(copy):
    first, second = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
    whole = copy / WEIGHTS
    index = {"weight_map": {"a": first, "b": second}}
    (copy / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    Checkpoint("tiny", copy).load()  # the single file is enough
    whole.rename(copy / first)
    assert f"lacks {second}, which {WEIGHTS}.index.json names" in ask(copy)


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_weights_that_would_be_random(copy, change):
    tensors = load_file(copy / WEIGHTS)
    name = next(key for key in tensors if key.endswith("mlp.down_proj.weight"))
    tensor = tensors.pop(name)
    if change == "shape":
        tensors[name] = tensor[:-1].clone()
    save_file(tensors, copy / WEIGHTS, {"format": "pt"})
    message = ask(copy)
    assert "lacks 1 of the model's weights" in message and "mlp.down_proj.weight" in message


def test_a_missing_device(model, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"^device: cuda:1, but torch .* finds no GPU here"):
        Checkpoint("tiny", model, device="cuda:1").load()


def test_missing_attention_kernels(model, monkeypatch):
    def fail(*args, **kwargs):
        raise ImportError("FlashAttention2 has been toggled on, but\nno package")

    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", fail)
    with pytest.raises(InputError, match=r"^attn: flash_attention_2 does not work here: .* but no"):
        Checkpoint("tiny", model, attn="flash_attention_2").load()


def test_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match=f"path: there is no folder {tmp_path / 'no'}$"):
        Checkpoint("tiny", tmp_path / "no")


def test_answers_depend_on_all_settings(copy):
    model = {"path": str(copy), "hub": None, "prismatic": None, "trained": None}
    seen = {Checkpoint("m", copy).settings}
    for name in ("chat_template.jinja", "merges.txt", "tokenizer.model"):
        (copy / name).write_text("{{ changed }}")
        assert str(copy / name) in model_files(model)
        seen.add(Checkpoint("m", copy).settings)
    assert len(seen) == 4


def test_a_pointer_in_place_of_weights(copy):
    (copy / WEIGHTS).write_bytes(POINTER)
    assert f"{WEIGHTS} is a pointer of Git LFS" in ask(copy)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "processor_config.json"])
@pytest.mark.parametrize("content", [b"{", POINTER])
def test_settings_that_are_broken(copy, name, content):
    (copy / name).write_bytes(content)
    message = ask(copy)
    assert f"{copy / name} is " in message and "stock model" not in message


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("tokenizer*", "has no tokenizer, "), ("processor*", "has no image processor, ")],
)
def test_a_missing_processor(copy, pattern, expected):
    for path in copy.glob(pattern):
        path.unlink()
    message = ask(copy)
    assert expected in message and "stock model" not in message


def test_the_refusal_of_pickles_is_explained_for_folders(copy):
    (copy / WEIGHTS).rename(copy / "pytorch_model.bin")
    assert "has no *.safetensors. Weights in pickles" in ask(copy)
    with pytest.raises(InputError, match=r"has no \*\.safetensors\. Weights in pickles"):
        model_files({"path": str(copy), "hub": None, "prismatic": None, "trained": None})
