"""Every family in the layout of published repositories: loaded, and asked as in a study."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
from transformers import CLIPImageProcessorPil, Idefics3ImageProcessorPil
from transformers.utils import is_torchvision_available

from helpers.published_layout import PUBLISHED, TIED, save
from helpers.tiny_benchmarks import read, write_all
from prunescope.checkpoints import stock
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.cost.operations import operations
from prunescope.errors import InputError
from prunescope.evaluation.evaluate import evaluate
from prunescope.evaluation.score_extraction import extract
from prunescope.methods import parse_methods
from prunescope.records.store import RecordStore
from prunescope.tasks import prompts
from prunescope.tasks.examples import load_examples

pytestmark = pytest.mark.usefixtures("offline")
VIDEOS = ("internvl", "llava_onevision", "qwen2_5_vl", "qwen2_vl", "qwen3_vl", "smolvlm")
# In older transformers, the processor of Idefics3 needs torchvision for images as well.
NEEDS = (*VIDEOS, "idefics3") if getattr(Idefics3ImageProcessorPil, "is_dummy", False) else VIDEOS
PROTOCOLS = {"llava": "llava15"} | {
    name: name for name in ("internvl", "paligemma", "qwen2_5_vl", "qwen2_vl")
}
SEVERAL_VIEWS = ("idefics3", "internvl", "llava_next", "llava_onevision", "smolvlm")
METHODS = parse_methods(
    {
        "unpruned": [],
        "fastv": [{"layer": 2, "remove": 0.75, "score": {"attention": {"rope": False}}}],
    },
    "test",
)


@pytest.fixture(scope="module", params=PUBLISHED)
def name(request):
    if request.param in NEEDS and not is_torchvision_available():
        pytest.skip("needs torchvision")
    return request.param


@pytest.fixture(scope="module")
def checkpoint(name, tmp_path_factory):
    return Checkpoint(name, save(PUBLISHED[name], tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("benchmarks"))


def test_weights_and_inputs_are_those_of_the_family(name, checkpoint):
    case = PUBLISHED[name]
    loaded = checkpoint.load()
    model, processor = loaded.model, loaded.processor
    weights, expected = (dict(m.named_parameters()) for m in (model, case.build("sdpa")))
    if name in TIED:
        del expected["lm_head.weight"]
        assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[key], expected[key]) for key in expected)
    inputs = case.inputs_of(processor, 0, 1)
    expected = case.inputs(0, 1)
    assert inputs.keys() - {"labels"} == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(inputs[key], value, msg=key)


def test_a_study_asks_it(name, checkpoint, access, tmp_path):
    task = read("refcoco", access, PROTOCOLS.get(name), max_new_tokens=3)
    records = evaluate(checkpoint, task, METHODS, RecordStore(tmp_path), batch_size=3).to_pylist()
    assert len(records) == 5 * len(METHODS)
    pruned = [record for record in records if record["method"] == "fastv"]
    assert all(record["mean_tokens"] > len(record["kept"][0]) > 0 for record in pruned)
    costs = operations(checkpoint, task, METHODS, examples=3)
    unpruned, fastv = costs["prefill_flops"]
    assert fastv < unpruned
    out = tmp_path / "scores.zarr"
    if name in SEVERAL_VIEWS:
        with pytest.raises(InputError, match="one grid"):
            extract(checkpoint, task, out)
        return
    extract(checkpoint, replace(task, resize=40), out, batch_size=3)
    received = xr.open_zarr(out)["score"].sum(("row", "col")).values
    sees = received > 0.5  # in layers with sliding windows the last token may see no image
    assert received.shape == (5, 6, 3)
    assert sees.any() if name == "gemma3" else sees.all()
    np.testing.assert_allclose(received, sees, atol=1e-5)


def test_a_processor_that_transformers_does_not_know(tmp_path):
    save(PUBLISHED["llava"], tmp_path)
    file = tmp_path / "processor_config.json"
    file.write_text(file.read_text().replace("LlavaProcessor", "OurOwnProcessor"))
    with pytest.raises(InputError, match=r"no processor of the class .* Copy processor_config"):
        Checkpoint("tiny", tmp_path).load()


def test_images_are_resized_by_pillow_where_torchvision_is_there(tmp_path, monkeypatch):
    save(PUBLISHED["llava"], tmp_path)
    backends = []

    def load(folder, backend, **options):
        backends.append(backend)
        return CLIPImageProcessorPil.from_pretrained(folder)

    monkeypatch.setattr(stock, "is_torchvision_available", lambda: True)
    monkeypatch.setattr(stock, "AutoImageProcessor", SimpleNamespace(from_pretrained=load))
    processor = stock.load_processor(tmp_path, "there")
    assert backends == ["pil"] and type(processor.image_processor) is CLIPImageProcessorPil


def test_prompts_have_no_labels(tmp_path, access):
    processor = Checkpoint("tiny", save(PUBLISHED["paligemma"], tmp_path)).load().processor
    task = read("refcoco", access, "paligemma")
    examples = load_examples(task)
    assert "labels" not in prompts.prompts(examples, task, processor)
    images = [[image] for image in prompts.pictures(examples)]
    inputs = processor(images=images, text=["<image>"] * 5)
    assert "labels" in inputs  # which the engine refuses


@pytest.mark.skipif(is_torchvision_available(), reason="torchvision is there")
@pytest.mark.parametrize("name", NEEDS)
def test_a_processor_says_what_it_needs(name, tmp_path):
    checkpoint = Checkpoint(name, save(PUBLISHED[name], tmp_path))
    with pytest.raises(InputError, match=r"its processor needs torchvision, .*'\.\[video\]'"):
        checkpoint.load()
