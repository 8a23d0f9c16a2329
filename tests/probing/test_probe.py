"""Decoders over tokens without content: what is recorded, of which weights, and what is refused."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Generator
from transformers import AutoModel, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from helpers import tiny_gguf
from helpers.chat_model import save_model
from prunescope.checkpoints.pretrained import write_dequantised
from prunescope.criteria.attention import VARIANTS
from prunescope.errors import InputError
from prunescope.models import Layout
from prunescope.probing.contents import CONTENTS
from prunescope.probing.decoders import Decoder, word_vectors
from prunescope.probing.probe import probe
from prunescope.probing.prompts import GRID, around
from prunescope.scores import record_scores
from prunescope.statistics.reading import read_head_logs, read_probes

ROWS, COLUMNS = 3, 4
TOKENS = ROWS * COLUMNS
LAYERS, HEADS, DRAWS = tiny_gguf.LAYERS, tiny_gguf.HEADS, 5
NAMES = ("rope", "norope", "rope-alone", "rope-equal")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random language model with a tokenizer that has a chat template."""
    root = tmp_path_factory.mktemp("decoder")
    tiny_gguf.save_gguf(root / "tiny.gguf")
    write_dequantised(root / "stock", root / "tiny.gguf")
    return root / "stock"


def record(folder, out, draws=DRAWS, trained=True, name="tiny"):
    """Paths of the stores of all contents."""
    stores = {content: out / f"{name}-{content}.zarr" for content in CONTENTS}
    probe(Decoder(name, folder, trained), stores, (ROWS, COLUMNS), draws)
    return list(stores.values())


@pytest.fixture(scope="module")
def stores(folder, tmp_path_factory):
    return record(folder, tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def untrained(folder, tmp_path_factory):
    return record(folder, tmp_path_factory.mktemp("untrained"), draws=2, trained=False)


def generator(seed):
    return Generator().manual_seed(seed)


def test_contents_are_what_their_names_say():
    vectors = torch.randn(500, 6, generator=generator(1)) * torch.arange(1.0, 7.0) + 3
    words = CONTENTS["words"](vectors, 200, generator(0))
    assert (words[:, None] == vectors).all(-1).any(1).all()
    assert len(words.unique(dim=0)) > 100
    gaussian = CONTENTS["gaussian"](vectors, 5000, generator(0))
    torch.testing.assert_close(gaussian.mean(0), vectors.mean(0), atol=0.3, rtol=0)
    torch.testing.assert_close(gaussian.std(0), vectors.std(0), atol=0, rtol=0.05)
    constant = CONTENTS["constant"](vectors, 7, generator(0))
    assert constant.shape == (7, 6) and (constant == constant[0]).all()


def test_prompts_end_in_several_ways_and_begin_with_text(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = []
    for draw in range(4):
        before, after = around(tokenizer, draw)
        texts.append((tokenizer.decode(before), tokenizer.decode(after)))
    assert len({after[-8:] for _, after in texts}) == 4
    assert not any(GRID in part for text in texts for part in text)
    tokenizer.chat_template = None
    assert around(tokenizer, 0)[0] == around(tokenizer, 1)[0]


def test_stored_scores_are_those_of_record_scores(folder, stores):
    decoder = Decoder("tiny", folder)
    model, draw = decoder.load(0), 2
    before, after = around(decoder.tokenizer, draw)
    vectors = word_vectors(model, decoder.tokenizer)
    tokens = CONTENTS["gaussian"](vectors, TOKENS, generator(draw))
    with torch.inference_mode():
        first, last = (model.get_input_embeddings()(torch.tensor([ids])) for ids in (before, after))
        embedded = torch.cat([first, tokens[None], last], dim=1)
    visual = torch.zeros(embedded.shape[:2], dtype=torch.bool)
    visual[:, len(before) : len(before) + TOKENS] = True
    layout = Layout(visual, (ROWS, COLUMNS))
    wanted = record_scores(model, {"inputs_embeds": embedded}, layout)[0]
    stored = read_probes(stores)["tiny", "gaussian"].sel(example=f"gaussian-{draw}")
    assert stored["variant"].values.tolist() == list(VARIANTS)
    np.testing.assert_allclose(stored.values.reshape(wanted.shape), wanted, rtol=2e-5)


def test_heads_are_told_apart(folder, stores, tmp_path, monkeypatch):
    """A head whose queries are zero scores all tokens alike, and leaves the other as it was."""
    load = Decoder.load

    def with_silent_head(decoder, seed):
        model = load(decoder, seed)
        model.layers[0].self_attn.q_proj.weight.data[tiny_gguf.WIDTH // HEADS :] = 0
        return model

    monkeypatch.setattr(Decoder, "load", with_silent_head)
    silent = read_head_logs(record(folder, tmp_path))["tiny", "words"].sel(layer=1)
    before = read_head_logs(stores)["tiny", "words"].sel(layer=1)
    assert silent.dims == ("example", "head_variant", "head", "row")
    np.testing.assert_allclose(silent.isel(head=1), -np.log(TOKENS), rtol=1e-6)
    np.testing.assert_allclose(silent.isel(head=0), before.isel(head=0), rtol=1e-5)
    assert before.isel(head=1).std() > 1e-4


def test_equal_vectors_depend_on_distances_alone(folder, stores):
    """The sum of cosines, by distance to the last prompt token; here for a base of 5,000."""
    scores = read_probes(stores, NAMES)["tiny", "words"].sel(variant="rope-equal")
    size = tiny_gguf.WIDTH // HEADS
    frequencies = 5000.0 ** (-np.arange(0, size, 2) / size)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for draw in range(2):
        text = len(around(tokenizer, draw)[1])
        distances = np.arange(TOKENS, 0, -1) + text - 1
        logits = 2 * np.cos(distances[:, None] * frequencies).sum(-1) / np.sqrt(size)
        wanted = np.exp(logits) / np.exp(logits).sum()
        for layer in (1, LAYERS):
            found = scores.sel(layer=layer, example=f"words-{draw}").values.ravel()
            np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_equal_words_differ_by_place_only(stores):
    scores = read_probes(stores, NAMES)["tiny", "constant"].sel(layer=1)
    norope = scores.sel(variant="norope").values.reshape(DRAWS, -1)
    assert (norope.max(1) == norope.min(1)).all()
    alone, rope = scores.sel(variant="rope-alone").values, scores.sel(variant="rope").values
    np.testing.assert_allclose(alone, rope, rtol=1e-4)
    assert rope.std() > 1e-4


def test_an_untrained_decoder_has_new_weights_for_each_prompt(folder, stores, untrained, tmp_path):
    scores = read_probes(untrained)["tiny", "words"]
    trained = read_probes(stores)["tiny", "words"].isel(example=[0, 1])
    assert not np.allclose(scores, trained, rtol=1e-2)
    decoder = Decoder("tiny", folder, trained=False)
    weights = [decoder.load(seed).layers[0].self_attn.q_proj.weight for seed in (0, 1, 0)]
    assert not torch.equal(weights[0], weights[1]) and torch.equal(weights[0], weights[2])
    torch.manual_seed(5)
    before = torch.get_rng_state()
    decoder.load(3)
    assert torch.equal(before, torch.get_rng_state())
    again = read_probes(record(folder, tmp_path, draws=2, trained=False))["tiny", "words"]
    assert np.array_equal(again, scores)


def test_stores_say_what_was_probed(folder, stores, untrained):
    for paths, trained in ((stores, True), (untrained, False)):
        store = xr.open_zarr(paths[0], consolidated=False)
        assert store.attrs["trained"] is trained
        assert (store.attrs["model"], store.attrs["task"]) == ("tiny", "words")
        assert store["image"].values[:2].tolist() == ["draw-0", "draw-1"]


def test_words_are_those_of_the_vocabulary_without_special_tokens(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    vectors = word_vectors(model, tokenizer)
    assert len(vectors) == len(tiny_gguf.WORDS) - 3
    assert torch.equal(vectors[0], model.get_input_embeddings().weight[3])


def test_the_decoder_of_a_model_that_sees_is_probed(tmp_path):
    folder = save_model(tmp_path / "vlm")
    [words, *_] = record(folder, tmp_path, draws=2)
    scores = read_probes([words])["tiny", "words"]
    assert scores.sizes["example"] == 2 and np.isfinite(scores).all()


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"probe\.decoders\.none: path: there is no folder"):
        Decoder("none", tmp_path / "none")


def test_a_text_model_of_another_kind_is_refused(folder, tmp_path):
    from transformers import GPT2Config, GPT2Model

    GPT2Model(GPT2Config(vocab_size=9, n_embd=8, n_layer=1, n_head=1)).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="text model of type 'gpt2' is not supported"):
        Decoder("gpt", tmp_path).load(0)


def test_broken_weights_are_refused(tmp_path):
    LlamaForCausalLM(
        LlamaConfig(vocab_size=9, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                    num_attention_heads=1)
    ).save_pretrained(tmp_path)  # fmt: skip
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"probe\.decoders\.broken: .*damaged or incomplete"):
        Decoder("broken", tmp_path)
