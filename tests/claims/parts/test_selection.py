"""Claim 6: score and grid together against the score alone, and against the grid alone."""

import pytest

from helpers.claims_study import BETTER, METHODS, ROOT, as_many, of_claim, study, without
from prunescope.claims.verdicts import FAILS, HOLDS, OPEN, UNMATCHED


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_a_grid_alone_that_is_better_refutes_the_claim():
    better = as_many(study(4.0, BETTER | {"uniform": "unpruned"}), "uniform")
    verdict, _, rows = of_claim(better, 6)
    grid = rows[rows["part"] == "grid"].set_index("reference")["check"]
    assert verdict == FAILS and grid["uniform"] == FAILS
    assert rows[rows["part"] == "localization"]["check"].tolist() == [HOLDS]


def test_a_lattice_of_the_same_budget_is_a_rival_too():
    verdict, _, rows = of_claim(study(4.0, BETTER | {"lattice-as-union": "unpruned"}), 6)
    assert verdict == FAILS and "lattice-as-union" in rows["reference"].tolist()


def test_a_grid_with_more_tokens_is_no_rival():
    evidence = study(4.0, BETTER, max_budget_gap=0.02)
    rivals = of_claim(evidence, 6)[2]["reference"].tolist()
    assert rivals == ["norope-as-union", "uniform", "lattice-as-union"]
    evidence.budgets["uniform"] = 0.9
    assert of_claim(evidence, 6)[2]["reference"].tolist() == ["norope-as-union", "lattice-as-union"]


def test_a_union_that_beats_a_smaller_grid_has_proved_nothing():
    methods = {name: stages for name, stages in METHODS.items() if not name.startswith("lattice")}
    verdict, note, rows = of_claim(study(4.0, BETTER, methods, max_budget_gap=0.02), 6)
    assert verdict == OPEN and note == "grid: budgets are not matched"
    assert rows[rows["part"] == "grid"]["check"].tolist() == [UNMATCHED]


def test_the_papers_grid_stands_beside_ours():
    rows = of_claim(study(4.0, BETTER), 6)[2].set_index("reference")
    assert rows.loc["uniform", "published"].startswith("-0.8 points (27.2 against 28.0)")
    assert rows.loc["lattice-as-union", "published"] == "no such rows"
    assert (
        "uniform" not in of_claim(study(4.0, BETTER, without("uniform")), 6)[2]["reference"].values
    )
