"""Matched budgets: counts are those of `prune`, and the match is the closest that can be had."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import synthetic
from helpers.tiny_llava import build_inputs, build_llava
from prunescope.budgets.calibration import Calibration, Scores, members
from prunescope.budgets.matching import match, solve
from prunescope.cli import main
from prunescope.criteria.attention import VARIANTS
from prunescope.criteria.last import Last
from prunescope.errors import InputError
from prunescope.methods import parse_methods
from prunescope.pruning import prune
from prunescope.scores import record_scores
from prunescope.study import Study
from prunescope.study.variations import Wanted
from prunescope.study.yaml_files import read

ROOT = Path(__file__).parents[2]

GRID, DEPTH = synthetic.GRID, synthetic.DEPTH
SIZE = GRID[0] * GRID[1]
ATTENTION = {"attention": {"rope": False}}
GRID_OF_FEATHER = {"uniform": {"stride": 3, "start": "corner"}}
FASTV = [{"layer": 1, "remove": 0.5, "score": {"attention": {}}}]
PYRAMID = [{"layer": k, "remove": 0.5, "score": {"attention": {}}} for k in (1, 2, 3)]
UNIFORM = [{"layer": 1, "score": {"uniform": {"stride": 2, "start": "corner", "offset": 1}}}]
KNN = [{"layer": 2, "keep": 0.5, "score": {"knn": {}}}]
FEATHER = [
    {"layer": 1, "remove": 0.7, "score": ATTENTION, "always": GRID_OF_FEATHER},
    {"layer": 2, "remove": 0.7, "power": 2, "score": ATTENTION},
]
FRACTIONS = {"fastv": FASTV, "pyramid": PYRAMID, "feather": FEATHER}
SCORES = Scores(synthetic.scores())


def realised(stages, calibration=None):
    method = parse_methods({"m": stages}, "test")["m"]
    return (calibration or SCORES.calibration()).mean_tokens(method).mean()


@pytest.mark.parametrize("always", [{"uniform": {"stride": 2}}, {"last": {"fraction": 0.2}}, None])
def test_counts_are_those_of_prune(always):
    model, inputs = build_llava(), build_inputs((5, 7, 6))
    scores = xr.DataArray(
        record_scores(model, inputs).unflatten(-1, (6, 6)).numpy(),
        dims=("example", "layer", "variant", "row", "col"),
        coords={"layer": range(1, 7), "variant": list(VARIANTS)},
    )
    stages = [{**FEATHER[0], "layer": 2, "always": always}, {**FEATHER[1], "layer": 4, "power": 1}]
    method = parse_methods({"m": stages}, "test")["m"]
    with torch.inference_mode(), prune(model, method) as trace:
        model(**inputs)
    expected = [[len(indices) for indices in stage] for stage in trace.kept]
    assert Scores(scores)(method).T.tolist() == expected


def test_members_are_those_of_the_criterion():
    assert np.flatnonzero(members(Last(0.25), GRID)).tolist() == list(range(27, 36))


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(FRACTIONS)), st.floats(0.0, 1.0))
def test_match_is_closer_than_its_neighbours(name, place):
    floor = match_floor(name)
    target = floor + place * (36 - floor)
    solved = match(name, FRACTIONS[name], "remove", target, SCORES.calibration())
    assert solved.mean_tokens == pytest.approx(realised(solved.stages))
    for step in (-0.02, -0.001, 0.001, 0.02):
        value = min(max(0.0, solved.value + step), 0.9999)
        other = realised([{**stage, "remove": value} for stage in FRACTIONS[name]])
        assert not abs(other - target) < abs(solved.mean_tokens - target) - 1e-9


def match_floor(name):
    with pytest.raises(InputError, match="reaches") as error:
        match(name, FRACTIONS[name], "remove", 0.0, SCORES.calibration())
    # rounded to a decimal in the message: 0.1 above it can surely be reached
    return float(str(error.value).split("reaches ")[1].split(" to")[0]) + 0.1


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(FRACTIONS)), st.integers(0, 60))
def test_its_own_budget_is_found_exactly(name, hundredths):
    stages = [{**stage, "remove": hundredths / 100} for stage in FRACTIONS[name]]
    target = realised(stages)
    solved = match(name, FRACTIONS[name], "remove", target, SCORES.calibration())
    assert solved.mean_tokens == target


def test_more_tokens_are_never_a_higher_fraction_removed():
    targets = np.linspace(20, 36, 9)
    values = [match("f", FEATHER, "remove", t, SCORES.calibration()).value for t in targets]
    assert values == sorted(values, reverse=True) and values[-1] == 0


def test_other_knobs():
    solved = match("uniform", UNIFORM, "stride", 12.0, SCORES.calibration())
    assert solved.value == 3 and solved.mean_tokens == (36 + 3 * 4) / 4
    assert solved.stages[0]["score"]["uniform"] == {"stride": 3, "start": "corner", "offset": 1}
    solved = match("knn", KNN, "keep", 27.0, SCORES.calibration())
    assert solved.mean_tokens == 27 and int(36 * solved.value) == 18
    assert UNIFORM[0]["score"]["uniform"]["stride"] == 2  # what was given stays as it was


def test_counts_may_come_from_anywhere():
    half = Calibration(GRID, DEPTH, lambda method: np.array([[18], [20]]))
    solved = match("fastv", FASTV, "remove", (36 + 3 * 19) / 4, half)
    assert solved.mean_tokens == (36 + 3 * 19) / 4


def test_budget_out_of_reach_names_the_ends():
    message = r"method 'feather': remove reaches 1\d\.\d to 36\.0 mean tokens, not 5\.0"
    with pytest.raises(InputError, match=message):
        match("feather", FEATHER, "remove", 5.0, SCORES.calibration())
    with pytest.raises(InputError, match=r"stride reaches 9\.8 to 15\.8 mean tokens, not 36\.0"):
        match("uniform", UNIFORM, "stride", 36.0, SCORES.calibration())


def test_method_without_the_knob_is_named():
    with pytest.raises(InputError, match="method 'uniform': no stage has a remove"):
        match("uniform", UNIFORM, "remove", 10.0, SCORES.calibration())
    with pytest.raises(InputError, match=r"unknown knob 'layer'; allowed: \['keep', 'remove'"):
        match("uniform", UNIFORM, "layer", 10.0, SCORES.calibration())


def test_union_with_a_score_that_is_not_stored_is_refused():
    union = [{**KNN[0], "always": {"uniform": {"stride": 2}}}]
    with pytest.raises(InputError, match="scores of knn as set are not stored"):
        match("union", union, "keep", 20.0, SCORES.calibration())
    behind = [{**KNN[0], "layer": 1}, {**UNIFORM[0], "layer": 2}]
    with pytest.raises(InputError, match="scores of knn as set are not stored"):
        match("behind", behind, "keep", 20.0, SCORES.calibration())
    replayed = [{"layer": 1, "score": {"replay": {"method": "fastv"}}}, *PYRAMID[1:]]
    with pytest.raises(InputError, match="the tokens that replay keeps depend on the example"):
        match("replayed", replayed, "remove", 20.0, SCORES.calibration())


def test_scores_in_the_arithmetic_of_the_model_are_matched_by_those_that_are_stored():
    def calculated(arithmetic):
        score = {"attention": {"rope": False, "arithmetic": arithmetic}}
        return parse_methods({"m": [{**FEATHER[0], "score": score}, FEATHER[1]]}, "test")["m"]

    assert (SCORES(calculated("model")) == SCORES(calculated("float32"))).all()


@pytest.mark.parametrize("numerics", ["exact", "feather"])
def test_all_that_the_papers_study_matches_can_be_told_from_stored_scores(numerics, monkeypatch):
    monkeypatch.chdir(ROOT)
    source = "workflow/config/paper.yaml"
    study = Study.of(read(source) | {"numerics": numerics}, source)
    methods, wanted = parse_methods(study.methods, source), study.wanted
    scores = Scores(synthetic.scores().isel(layer=[0] * 32).assign_coords(layer=range(1, 33)))
    for name in {method.name for method in wanted} | {method.budget_of for method in wanted}:
        assert scores(methods[name]).shape[1] == len(methods[name].stages)


def test_methods_get_the_budget_of_another_and_one_that_cannot_is_left_out(caplog):
    wanted = [
        Wanted("fastv-as-feather", FASTV, "remove", budget_of="feather"),
        Wanted("fastv-t0.5", FASTV, "remove", share=0.5),
        Wanted("fastv-t0.1", FASTV, "remove", share=0.1),  # the layer before K sees a quarter
        Wanted("fastv-as-nothing", FASTV, "remove", budget_of="nothing"),
    ]
    less = [{**stage, "remove": 0.4} for stage in FEATHER]
    solved, rows = solve(wanted, {"feather": less, "nothing": FEATHER}, SCORES.calibration())
    assert list(solved) == ["fastv-as-feather", "fastv-t0.5"]
    feather, half, low, nothing = rows
    assert (feather["budget_of"], feather["knob"]) == ("feather", "remove")
    assert half["budget_of"] is None
    assert feather["target"] == pytest.approx(realised(less) / SIZE) and half["target"] == 0.5
    for name, row in zip(solved, rows, strict=False):
        assert solved[name][0]["remove"] == row["value"]
        assert row["calibrated"] == pytest.approx(realised(solved[name]) / SIZE)
        assert abs(row["calibrated"] - row["target"]) < 0.01
    assert "remove reaches 9.8 to 36.0 mean tokens, not 3.6" in low["note"] in caplog.text
    assert "method 'nothing': a stage leaves no token" in nothing["note"]


def test_the_command_prints_a_method_ready_for_a_study(tmp_path, capsys):
    synthetic.write_scores(tmp_path / "scores.zarr", synthetic.scores())
    library = tmp_path / "methods.yaml"
    library.write_text(yaml.safe_dump(FRACTIONS))
    arguments = ["fastv", str(tmp_path / "scores.zarr"), "--library", str(library)]
    assert main(["match", *arguments, "--share", "0.5"]) == 0
    printed = capsys.readouterr().out
    [entry] = yaml.safe_load(printed)
    tokens = realised(entry["fastv-t0.5"])
    assert f"# {tokens / SIZE:.4f} of {SIZE} tokens, wanted 0.5000" in printed
    assert abs(tokens / SIZE - 0.5) < 0.01
    assert main(["match", "fasv", *arguments[1:], "--share", "0.5"]) != 0
    assert "did you mean 'fastv'?" in capsys.readouterr().err
