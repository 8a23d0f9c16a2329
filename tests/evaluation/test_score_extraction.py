"""Scores of models whose grid of visual tokens depends on the image are stored on one grid."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import xarray as xr
from datasets import Dataset

from helpers.families.qwen2_5_vl import CASE
from helpers.testbed_model import random_examples, save_model
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.errors import InputError
from prunescope.evaluation.score_extraction import extract
from prunescope.scores import record_scores
from prunescope.tasks import card, prompts
from prunescope.tasks.examples import SOURCES, load_examples

CARD = Path(__file__).parents[2] / "data" / "tasks" / "exists.yaml"
PROMPT = "<|vision_start|><|image_pad|><|vision_end|> where is {question}"


@pytest.fixture
def checkpoint(monkeypatch, tmp_path):
    """A checkpoint in name only: it loads the tiny Qwen2.5-VL."""
    tiny = Loaded.of(CASE.build("sdpa"), CASE.processor())
    monkeypatch.setattr(Checkpoint, "load", lambda self: tiny)
    return Checkpoint("qwen", save_model(tmp_path / "model"))


@pytest.fixture
def task(monkeypatch):
    """Images of two shapes."""
    rows = random_examples(4)
    shapes = [(24, 24), (24, 48)] * 2
    stretched = [
        {**row, "image": row["image"].resize(shape)}
        for row, shape in zip(rows, shapes, strict=True)
    ]
    rows = Dataset.from_list(stretched, rows.features)
    monkeypatch.setitem(SOURCES, "testbed", lambda task: rows)
    return replace(card.read_task(CARD), prompt=PROMPT)


def test_stretched_images_have_one_grid(checkpoint, task, tmp_path):
    task = replace(task, resize=32)
    extract(checkpoint, task, tmp_path / "scores.zarr", batch_size=3)
    stored = xr.open_zarr(tmp_path / "scores.zarr")["score"]
    assert (stored.sizes["example"], stored.sizes["row"], stored.sizes["col"]) == (4, 4, 4)
    loaded = checkpoint.load()
    for row in range(4):
        one = load_examples(task).select([row])
        inputs = prompts.prompts(one, task, loaded.processor)
        scores = record_scores(loaded.model, inputs)[0].unflatten(-1, (4, 4))
        extracted = stored.sel(example=one["id"][0], variant=["rope", "norope"]).values
        torch.testing.assert_close(torch.from_numpy(extracted), scores, atol=1e-5, rtol=1e-4)


def test_images_of_different_grids_are_told_how_to_get_one(checkpoint, task, tmp_path):
    with pytest.raises(InputError, match=r"grid of visual tokens.*\(3, 3\).*set models\.qwen\.re"):
        extract(checkpoint, task, tmp_path / "scores.zarr", batch_size=1)
    assert not (tmp_path / "scores.zarr").exists()
