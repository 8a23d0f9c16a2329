"""Claim 7: FEATHER against its rivals, chance and its own stages, here and on the reading curve."""

import pytest

from helpers.claims_study import BETTER, METHODS, MORE, ROOT, ROPE, as_many, of_claim, study
from prunescope.claims import published
from prunescope.claims.claims import ALONE, READING_CURVE
from prunescope.claims.evidence import Evidence
from prunescope.claims.parts import feather
from prunescope.claims.verdicts import ABSENT, FAILS, HOLDS, UNMATCHED

ALL = METHODS | MORE
THERE = {"reading_curve_methods": ["feather-there"]}


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("rival", ["lattice-as-feather", "random-as-feather"])
def test_a_choice_without_score_that_is_better_refutes_the_claim(rival):
    assert of_claim(study(4.0, BETTER), 7)[0] == HOLDS
    better = as_many(study(4.0, BETTER | {rival: "unpruned"}), rival)
    verdict, _, rows = of_claim(better, 7)
    assert verdict == FAILS and rows.set_index("reference").loc[rival, "check"] == FAILS


def test_rivals_without_score_have_the_same_budget():
    evidence = study(4.0, BETTER, max_budget_gap=0.02)
    evidence.budgets["random-as-feather"] += 0.03
    assert "random" not in set(of_claim(evidence, 7)[2]["part"])


def test_the_reading_curve_has_a_verdict_of_its_own():
    there, claim = (of_claim(study(4.0, BETTER, ALL, **THERE), 7, t) for t in (READING_CURVE, ""))
    assert there[0] == HOLDS == claim[0]
    assert set(there[2]["method"]) == {"feather-there"} and set(claim[2]["method"]) == {"feather"}
    assert there[2]["part"].tolist() == claim[2]["part"].tolist()
    assert there[2]["published"].tolist() == claim[2]["published"].tolist()


@pytest.mark.parametrize(
    ("worse", "expected"),
    [("feather", (FAILS, HOLDS)), ("feather-there", (HOLDS, FAILS))],
)
def test_layers_do_not_change_each_others_verdicts(worse, expected):
    evidence = study(4.0, BETTER | {worse: "fastv"}, ALL, **THERE)
    assert (of_claim(evidence, 7)[0], of_claim(evidence, 7, READING_CURVE)[0]) == expected


def test_nothing_stands_beside_the_claim_if_the_study_names_nothing():
    assert of_claim(study(4.0, BETTER, ALL), 7, READING_CURVE)[2].empty


def test_a_rival_that_is_named_is_one_of_the_reading_curve_alone():
    late = {"late": [{"layer": k, "remove": 0.7, "score": ROPE} for k in (2, 3, 4)]}
    named = {"reading_curve_methods": ["feather-there", "late"]}
    swap = BETTER | {"late": "pyramiddrop"}
    evidence = study(4.0, swap, ALL | late, **named)
    for title, rival in ((READING_CURVE, "late"), ("", "pyramiddrop")):
        rows = of_claim(evidence, 7, title)[2]
        assert rows[rows["part"] == "PyramidDrop"]["reference"].tolist() == [rival]


def test_methods_that_are_not_feather_are_named():
    evidence = study(4.0, BETTER, ALL, reading_curve_methods=["uniform"])
    verdict, note, _ = of_claim(evidence, 7)
    assert verdict == HOLDS
    assert f"{READING_CURVE}: FastV: claims.reading_curve_methods: none of ['uniform'] is" in note


def test_a_study_that_has_feather_on_the_curve_alone():
    methods = {name: stages for name, stages in ALL.items() if name != "feather"}
    evidence = study(4.0, BETTER, methods, **THERE)
    verdict, note, _ = of_claim(evidence, 7)
    assert verdict == ABSENT and note.startswith("needs FEATHER")
    assert of_claim(evidence, 7, READING_CURVE)[0] == HOLDS


def test_feather_stands_beside_its_own_stages():
    methods = {name: ALL[name] for name in ALL if name not in ("union", "norope-later")}
    better = BETTER | {"first-stage": "fastv", "second-stage": "fastv"}
    evidence = study(4.0, better, methods)
    verdict, note, rows = of_claim(evidence, 7, ALONE)
    assert verdict == HOLDS and note == ""
    assert rows[["part", "reference"]].values.tolist() == [
        ["first stage", "first-stage"],
        ["second stage", "second-stage"],
    ]
    worse = as_many(study(4.0, better | {"first-stage": "unpruned"}, methods), "first-stage")
    assert of_claim(worse, 7, ALONE)[0] == FAILS and of_claim(worse, 7)[0] == HOLDS


def test_a_stage_alone_that_has_more_tokens_proves_nothing():
    evidence = study(4.0, BETTER | {"first-stage": "unpruned"}, ALL, max_budget_gap=0.02)
    evidence.budgets["first-stage"] = 0.9
    rows = of_claim(evidence, 7, ALONE)[2].set_index("reference")
    assert rows.loc["first-stage", "check"] == UNMATCHED


def test_a_stage_alone_keeps_what_the_stage_keeps():
    evidence = study(methods=ALL, max_budget_gap=0.0)
    for index, expected in ((0, "first-stage"), (1, "second-stage")):
        alone = evidence.stage_alone("feather", index)
        assert evidence.keeping_as("feather", index, alone) == [expected] and len(alone) == 2


def test_layers_of_the_paper_are_fractions_or_numbers(monkeypatch):
    by_fraction, by_number = study(), study(paper_layers="numbers")
    assert [by_fraction.paper_layer(layer) for layer in feather.LAYERS] == [1, 2]
    assert [by_number.paper_layer(layer) for layer in feather.LAYERS] == [*feather.LAYERS]
    assert of_claim(study(4.0, BETTER, paper_layers="numbers"), 7)[0] == ABSENT
    monkeypatch.setattr(feather, "LAYERS", (1, 2))
    assert of_claim(study(4.0, BETTER, paper_layers="numbers"), 7)[0] == HOLDS


def test_depths_may_be_layers():
    by_layer: Evidence = study(early_depth=1, later_depth=2)
    assert [by_layer.layer(depth) for depth in (by_layer.early, by_layer.later, 0)] == [1, 2, 0]
    assert by_layer.single_stage("fastv", by_layer.early) == ["fastv"]
    assert published.DEPTH == 32
