"""The layers that stand for the paper's come from the development split, by the written rule."""

import json
from pathlib import Path

import pytest

from helpers.curve_records import DEPTH, POINTS, records
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.records.store import RecordStore
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading_curve import Curve
from prunescope.training import stage_layers
from prunescope.training.stage_layers import curve_methods, read_cards, report

ROOT = Path(__file__).parents[2]
TESTBED, CARDS = ROOT / "data" / "testbed" / "rope", ROOT / "data" / "tasks"
FEW = Bootstrap(resamples=100)


def reported(right):
    content = report(Curve.of(records(right)), FEW)
    return json.loads(json.dumps(content, allow_nan=False))


def test_schedules_are_at_the_same_place_on_the_curve():
    """Localization is read by K = 8.4 of 12."""
    content = reported({"locate": (10, 10, 50, 90, 90), "color": (20, 60, 100, 100, 100)})
    assert content["depth"] == DEPTH and "half of their depth" in content["rule"]
    assert content["schedules"] == {
        "fastv": {"paper": [3], "layers": [2]},
        "feather": {"paper": [8, 16], "layers": [5, 9]},
        "pyramiddrop": {"paper": [8, 16, 24], "layers": [5, 9, 11]},
    }
    assert len(content["curve"]) == 4 * len(POINTS)
    lines = stage_layers.summary(content["schedules"]).splitlines()
    assert lines[1] == "feather: [8, 16] of 32 -> [5, 9]"


def test_what_cannot_be_placed_has_a_reason():
    flat = reported({"locate": (50, 50, 50, 50, 50)})
    assert {len(found) for found in flat["schedules"].values()} == {2}
    assert "no more than noise" in flat["schedules"]["feather"]["note"]
    assert flat["reading"][0]["half"] is None
    points = {"text-only": 0, "no-image-k1": 1, "unpruned": DEPTH}
    early = report(Curve.of(records({"locate": (10, 90, 90)}, points=points)), FEW)["schedules"]
    assert "fall on [1, 1] of 12" in early["feather"]["note"]
    assert early["fastv"]["layers"] == [1]
    assert "fall on" in stage_layers.summary(early)


def test_cards_are_read_on_the_development_split_and_need_boxes():
    tasks = read_cards([CARDS / "locate.yaml", CARDS / "color.yaml"], None)
    assert {task.split for task in tasks.values()} == {"dev"}
    with pytest.raises(InputError, match=r"cards: expected one with `localization: true`.*'color'"):
        read_cards([CARDS / "color.yaml"], None)


def test_methods_have_the_names_of_a_sweep():
    methods = curve_methods([4, 8])
    assert list(methods) == ["unpruned", "no-image-k0", "no-image-k4", "no-image-k8"]
    assert [stage.layer for stage in methods["no-image-k8"].stages] == [8]
    assert methods["unpruned"].stages == ()


def test_a_testbed_is_measured_on_the_development_split(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    checkpoint, store = Checkpoint("rope", TESTBED), RecordStore(tmp_path)
    assert stage_layers.depth_of(checkpoint) == 12
    tasks = read_cards([CARDS / "locate.yaml"], None)
    curve = stage_layers.measured(checkpoint, tasks, [6], store, questions=4, batch_size=4)
    assert curve.layers.tolist() == [0, 6, 12]
    assert all(image.startswith("dev-") for image in curve.answers.index.unique("image"))
    assert curve.answers["unpruned"].sum() >= 3 > curve.answers["no-image-k0"].sum()
