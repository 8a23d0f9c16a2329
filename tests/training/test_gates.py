"""Gates are judged by the values that they name; a model that cheats does not pass."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from datasets import Dataset

from helpers import synthetic
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.tasks.examples import SOURCES
from prunescope.testbed import dataset
from prunescope.training import fitness
from prunescope.training.fitness import Estimate, Extent, read_cards, usual_layer
from prunescope.training.gates import GATES, Gate, judge, report, summary, write_json

ROOT = Path(__file__).parents[2]
TESTBED = ROOT / "data" / "testbed" / "rope"
CARDS = [ROOT / "data" / "tasks" / f"{task}.yaml" for task in fitness.NEEDED]
BOOTSTRAP = Bootstrap(resamples=200)


@pytest.mark.parametrize(
    ("gate", "bound", "inside", "outside"),
    [
        (Gate("a", low=0.85), ">= 0.85", [0.85, 1.0], [0.849, math.nan]),
        (Gate("a", high=0.1), "<= 0.1", [0.0, 0.1], [0.101, math.nan]),
        (Gate("a", low=0.4, high=0.8), "0.4 to 0.8", [0.4, 0.8], [0.39, 0.81, math.nan]),
    ],
)
def test_bounds(gate, bound, inside, outside):
    assert gate.bound == bound
    assert all(gate.is_met(value) for value in inside)
    assert not any(gate.is_met(value) for value in outside)


def test_what_no_gate_names_is_a_finding():
    estimates = [Estimate(gate.name, 0.6, 0.5, 0.7) for gate in GATES]
    content = judge([Estimate("other", math.nan, math.nan, math.nan), *estimates])
    assert content["findings"] == [{"name": "other", "value": None, "interval": [None, None]}]
    assert [gate["name"] for gate in content["gates"]] == [gate.name for gate in GATES]
    assert set(content["gates"][0]) == {
        *("name", "value", "interval", "low", "high", "bound", "met")
    }
    met = {gate["name"] for gate in content["gates"] if gate["met"]}
    assert met == {"locate, uniform, share of unpruned"}  # 0.6 is within these bounds alone


def test_shares_are_ratios_of_accuracies():
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["image", "example"])
    scores = pd.DataFrame({"unpruned": [1, 1, 1, 0], "grid": [1, 0, 0, 1]}, index) * 1.0
    [share] = fitness.shares_of_unpruned(scores, BOOTSTRAP)
    assert share.name == "locate, grid, share of unpruned" and share.value == pytest.approx(2 / 3)
    assert share.low <= share.value <= share.high


def test_a_share_of_nothing_is_no_number():
    index = pd.MultiIndex.from_product([["a", "b"], [1]], names=["image", "example"])
    scores = pd.DataFrame({"unpruned": [0, 0], "grid": [1, 0]}, index) * 1.0
    [share] = fitness.shares_of_unpruned(scores, BOOTSTRAP)
    assert math.isnan(share.value) and not Gate(share.name, low=0.0).is_met(share.value)


def scores_of_four_questions():
    """Scores of 8 tokens, of which 2 are kept; questions 0 and 1 are about image a, 2 and 3 about
    image b."""
    kept = [(0, 1), (0, 1), (2, 3), (3, 4)]
    values = np.zeros((4, 2, 4), np.float32)
    for question, tokens in enumerate(kept):
        values.reshape(4, 8)[question, list(tokens)] = 1
    coords = {"example": list("1234"), "image": ("example", ["a", "a", "b", "b"])}
    return xr.DataArray(values, coords, ("example", "row", "col"))


def test_kept_sets_are_compared_within_an_image():
    differ, overlap = fitness.kept_set_differences(scores_of_four_questions(), BOOTSTRAP)
    assert differ.value == 0.5 and overlap.value == pytest.approx((1 + 1 / 3) / 2)


def test_without_two_questions_an_image_sets_cannot_be_compared():
    with pytest.raises(InputError, match="scored: no image has two"):
        fitness.kept_set_differences(scores_of_four_questions()[::2], BOOTSTRAP)


def test_places_tell_a_pull_to_the_bottom():
    found = {e.name: e.value for e in fitness.places(synthetic.scores(tilt=20.0), BOOTSTRAP)}
    assert set(name.split(", ")[1] for name in found) == {"K = 1", "K = 2", "K = 3"}
    assert found["mean kept row, K = 1, with RoPE"] > 0.8
    assert found["kept tokens in the bottom quarter, K = 1, with RoPE"] > 0.6
    assert found["mean kept row, K = 1, without RoPE"] == pytest.approx(0.5, abs=0.05)


def test_all_tasks_of_the_gates_are_needed():
    tasks = read_cards(CARDS, None)
    assert {task.split for task in tasks.values()} == {"dev"}
    with pytest.raises(InputError, match=r"cards: none of task 'count'; the gates need"):
        read_cards([card for card in CARDS if card.stem != "count"], None)


def test_the_layer_is_that_of_the_library():
    assert usual_layer(Checkpoint("rope", TESTBED)) == 1
    with pytest.raises(InputError, match="layer: must be at least 1, got 0"):
        Extent(0)


@pytest.fixture
def few_scenes(monkeypatch):
    """Questions about the first four scenes of a split alone."""

    def load(task):
        seeds = dataset._frozen()[task.split]["seeds"][:4]
        rows = list(dataset._rows(task.split, task.name, task.wording, seeds))
        stored = [row | {"image": dataset._encoded(row["image"])} for row in rows]
        return Dataset.from_list(stored, features=dataset.column_types())

    monkeypatch.setitem(SOURCES, "testbed", load)


@pytest.mark.usefixtures("few_scenes")
def test_a_testbed_whose_patches_know_whole_boxes_fails(tmp_path):
    """In `rope`, one patch of the target is nearly the whole answer."""
    checkpoint, extent = Checkpoint("rope", TESTBED), Extent(1, 8, 4, 4, batch_size=8)
    content = report(checkpoint, read_cards(CARDS, None), tmp_path / "store", extent)
    assert content["weights"] == checkpoint.weights and content["split"] == "dev"
    assert content["questions"] == {"locate": 8} | dict.fromkeys(fitness.NEEDED[1:], 4)
    gates = {gate["name"]: gate for gate in content["gates"]}
    assert gates["locate, unpruned"]["met"] and gates["locate, text-only"]["value"] < 0.5
    assert gates["locate, true-box, share of unpruned"]["met"]
    one = gates["locate, one-target-patch, share of unpruned"]
    assert one["value"] > 0.5 and not one["met"]
    assert {f["name"] for f in content["findings"]} >= {
        "locate, position-shuffle, share of unpruned",
        "exists, text-only",
        "kept sets, overlap (Jaccard)",
        "mean kept row, K = 8, without RoPE",
    }
    write_json(tmp_path / "gates.json", content)
    assert json.loads((tmp_path / "gates.json").read_text()) == content
    assert "MISSED locate, one-target-patch, share of unpruned" in summary(content)
