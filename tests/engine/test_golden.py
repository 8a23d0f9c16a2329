"""The engine equals the reference implementation."""

import json
from pathlib import Path

import pytest

from prunescope.errors import InputError
from prunescope.testing import golden

FILE = Path(__file__).parents[1] / "data" / "golden" / "mha_729.json"


@pytest.fixture(scope="module")
def loaded():
    return golden.load(FILE)


@pytest.mark.parametrize("name", json.loads(FILE.read_text())["cases"])
def test_case_equals_reference(loaded, name):
    model, embeds, layout, cases = loaded
    result = golden.run_case(model, embeds, layout, golden.method_of(name, cases[name]), 6)
    assert golden.differences(cases[name], *result) == []


def test_runner_reports_a_difference(tmp_path, capsys):
    data = json.loads(FILE.read_text())
    case = data["cases"]["fastv_k3_r75"]
    case["kept"]["3"][0] += 1
    case["greedy_tokens"][2] += 1
    data["cases"] = {"wrong": case, "right": data["cases"]["uniform_s2_k3"]}
    (tmp_path / "x.json").write_text(json.dumps(data))
    for part in ("safetensors", "inputs.safetensors"):
        (tmp_path / f"x.{part}").symlink_to(FILE.with_suffix(f".{part}"))
    assert golden.main([str(tmp_path / "x.json")]) == 1
    printed = capsys.readouterr().out
    assert "wrong: kept before layer 3: 2 indices differ; greedy tokens" in printed
    assert "right: equal" in printed and "1 of 2 cases equal" in printed


@pytest.mark.parametrize(
    ("flag", "sized", "always"),
    [
        (None, True, None),
        ("no_rope", True, None),
        ("no_rope_s=4", True, 4),
        ("s=3_p=0.5", False, 3),
    ],
)
def test_flags(flag, sized, always):
    [stage] = golden.method_of("x", {"layers": [2], "removed": 0.9, "flag": flag}).stages
    assert stage.score.sized == sized
    assert (stage.count(400) == 39) == sized  # int(400 * (1 - 0.9)) in floats
    grid = stage.always if sized else stage.score
    assert getattr(grid, "stride", None) == always


def test_unknown_flag():
    with pytest.raises(InputError, match="sample_cluster"):
        golden.method_of("x", {"layers": [2], "removed": 0.5, "flag": "sample_cluster_196_1"})


def test_missing_weights(tmp_path, capsys):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(SystemExit):
        golden.main([str(tmp_path / "x.json")])
    assert "x.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "grid"),
    [({"n_image": 400}, (20, 20)), ({"n_image": 24}, (4, 6)), ({"grid": [8, 3]}, (8, 3))],
)
def test_grid(data, grid):
    assert golden.grid_of(data) == grid
