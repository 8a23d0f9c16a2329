"""The ledger follows the numbers: claims turn with the study, and fail by themselves."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import synthetic
import yaml

from prunescope import config, findings
from prunescope.findings import ledger, roles, words
from prunescope.findings.checks import Check
from prunescope.findings.claims import CLAIMS
from prunescope.findings.evidence import Effect, Evidence
from prunescope.findings.published import Published
from prunescope.findings.words import ABSENT, FAILS, HOLDS, OPEN, UNMATCHED
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, compare
from prunescope.statistics.bootstrap import Bootstrap

FEW = Bootstrap(100)
ROPE, NOROPE = {"attention": {"rope": True}}, {"attention": {"rope": False}}
GRID = {"uniform": {"stride": 3}}
METHODS = {
    "unpruned": [],
    "fastv": [{"layer": 1, "remove": 0.75, "score": ROPE}],
    "fastv-norope": [{"layer": 1, "keep": 9, "score": NOROPE}],
    "uniform": [{"layer": 1, "score": {"uniform": {"stride": 2}}}],
    "feather": [
        {"layer": 1, "remove": 0.7, "score": NOROPE, "always": GRID},
        {"layer": 2, "remove": 0.7, "power": 2, "score": NOROPE},
    ],
    "pyramiddrop": [{"layer": k, "remove": 0.7, "score": ROPE} for k in (1, 2, 3)],
    # answers of another method, and what it is then said to be
    "before": [{"layer": 0, "score": {"replay": {"method": "fastv"}}}],
    "shuffled": [{"layer": 0, "keep": 1.0, "positions": "shuffled", "score": {"random": {}}}],
    "union": [{"layer": 1, "remove": 0.75, "score": NOROPE, "always": GRID}],
}
COPIES = {"before": "fastv", "shuffled": "fastv", "union": "feather"}
BETTER = {"pyramiddrop": "fastv"}  # than which FEATHER is clearly better


@cache
def library():
    return yaml.safe_load((config.SCHEMA.parents[1] / "config/methods.yaml").read_text())


drawn = cache(synthetic.records)


def settings(**changed):
    """The thresholds of the schema; layers 1 and 2 of the 4 are early and later."""
    default = config._with_defaults({}, yaml.safe_load(config.SCHEMA.read_text()))["claims"]
    return default | {"early": 0.25, "later": 0.5, "matched": 0.25} | changed


def study(tilt=4.0, swap=None, methods=METHODS, images=100, **changed):
    """swap: methods that answer as others do."""
    records = drawn(images)
    answers = {name: name for name in synthetic.METHODS} | COPIES | (swap or {})
    parts = [records[records["method"] == answers[n]].assign(method=n) for n in methods]
    scores = synthetic.scores(images, tilt=tilt)
    return Evidence(pd.concat(parts), scores, methods, library(), settings(**changed), FEW)


def judged(evidence):
    return findings.judge_claims(evidence, findings.read_reference())


def verdicts(evidence):
    return judged(evidence).drop_duplicates("number")["verdict"].tolist()


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(config.SCHEMA.parents[2])


def test_claims_turn_with_the_numbers():
    worse = {"fastv": "unpruned", "fastv-norope": "fastv", "feather": "fastv"}
    worse |= {"shuffled": "unpruned", "union": "fastv"}
    there, back = verdicts(study(4.0, BETTER)), verdicts(study(-4.0, worse))
    assert [there[claim - 1] for claim in (1, 2, 3, 4, 6, 7, 8)] == [HOLDS] * 7
    assert [back[claim - 1] for claim in (1, 2, 3, 6, 7, 8)] == [FAILS] * 6


def test_a_bound_out_of_reach_turns_the_verdict():
    assert verdicts(study())[0] == HOLDS
    assert verdicts(study(far_more=0.9))[0] == FAILS


def test_effects_are_those_of_the_table_of_differences():
    table, records = judged(study()), study().records
    expected = compare(records, [("unpruned", "fastv")], ["locate"], FEW).set_index("group")
    row = table[table["number"] == 1].iloc[0]
    assert row["value"] == pytest.approx(expected.loc[CONTRAST, "value"])
    assert row["low"] == pytest.approx(expected.loc[CONTRAST, "low"])
    shuffled = table[table["number"] == 8].iloc[0]
    assert shuffled["value"] == pytest.approx(expected.loc[LOCALIZATION, "value"])
    assert shuffled["units"] == 100


def test_every_check_says_all_that_a_reader_needs():
    table = judged(study())
    columns = ["measure", "value", "low", "high", "unit", "bound", "check", "published", "source"]
    assert table[columns].notna().all(axis=None)
    compared = table["method"].notna()
    assert table.loc[compared, ["method tokens", "reference tokens"]].notna().all(axis=None)
    assert set(table["unit"]) <= words.UNITS.keys()


def test_claims_without_their_methods_are_not_in_the_study():
    few = study(methods={"unpruned": [], "uniform": METHODS["uniform"]})
    table = judged(few).set_index("number")
    absent = table.index[table["verdict"] == ABSENT]
    assert absent.tolist() == [1, 4, 6, 7, 8]
    assert table.loc[8, "note"] == f"needs {CLAIMS[7].needs}"


def test_one_image_leaves_claims_undecided_and_has_no_intervals():
    table = judged(study(images=1))
    assert set(table["verdict"]) == {OPEN}
    assert table["value"].notna().all() and table[["low", "high"]].isna().all(axis=None)


def test_an_interval_of_few_images_decides_nothing():
    few = judged(study(images=19))
    assert few["value"].notna().all() and set(few["check"]) <= {OPEN}
    assert HOLDS in set(judged(study(images=20))["check"])


def test_a_study_without_other_tasks_judges_the_rest():
    one = study()
    one.records.drop(one.records.index[one.records["task"] != "locate"], inplace=True)
    table = judged(one).set_index("number")
    assert "localization minus other tasks" in table.loc[1, "note"]
    assert table.loc[8, "verdict"] == HOLDS


@pytest.mark.parametrize(
    ("low", "high", "below", "expected"),
    [
        (0.2, 0.3, False, HOLDS), (0.2, 0.3, True, FAILS), (-0.3, 0.0, False, FAILS),
        (-0.3, 0.0, True, HOLDS), (0.0, 0.3, False, OPEN), (np.nan, np.nan, False, OPEN),
    ],
)  # fmt: skip
def test_verdict_is_the_side_of_the_interval(low, high, below, expected):
    assert words.judge(low, high, 0.1, below) == expected


@pytest.mark.parametrize(
    ("effect", "more", "expected"),
    [
        (0.2, 0.0, HOLDS), (0.2, 0.3, UNMATCHED), (0.2, -0.3, HOLDS),
        (-0.2, 0.0, FAILS), (-0.2, 0.3, FAILS), (-0.2, -0.3, UNMATCHED),
    ],
)  # fmt: skip
def test_a_larger_budget_proves_nothing_and_a_smaller_one_all_the_more(effect, more, expected):
    evidence = study(matched=0.02)
    evidence.budgets["a"], evidence.budgets["b"] = 0.4 + more, 0.4
    found = Effect(effect, effect - 0.1, effect + 0.1, 99, 99)
    check = Check("", found, "points", 0.0, Published("", ""), methods=("a", "b"), fair=True)
    assert ledger.verdict(check, evidence) == expected


@pytest.mark.parametrize(
    ("checks", "most", "expected"),
    [
        ([HOLDS, HOLDS], False, HOLDS), ([HOLDS, OPEN], False, OPEN), ([OPEN, FAILS], False, FAILS),
        ([HOLDS, UNMATCHED], False, HOLDS), ([UNMATCHED], False, OPEN),
        ([HOLDS, HOLDS, FAILS], True, HOLDS), ([HOLDS, FAILS], True, FAILS),
        ([HOLDS, OPEN, OPEN], True, OPEN),
    ],
)  # fmt: skip
def test_verdict_of_a_claim(checks, most, expected):
    assert ledger.together(checks, most) == expected


def test_methods_of_the_library_are_told_apart():
    same = [
        (a, b)
        for a, one in library().items()
        for b, other in library().items()
        if roles.same_kind(one, other)
    ]
    assert same == [(name, name) for name in library()]


def test_layers_counts_and_seeds_do_not_matter():
    assert roles.same_kind(METHODS["fastv-norope"], library()["fastv-norope"])
    assert roles.same_kind(METHODS["shuffled"], library()["position-shuffle"])
    assert roles.layers(library()["feather"], 12) == [3, 6]
    assert study().single("fastv-norope", 0.25) == ["fastv-norope"]
    assert study(remove=0.5).single("fastv-norope", 0.25) == []


def test_the_rival_is_the_one_of_the_closest_budget():
    evidence = study()
    assert evidence.closest("feather", ["unpruned", "pyramiddrop"]) == ["pyramiddrop"]
    assert evidence.closest("feather", []) == []


def test_words_have_interval_bound_and_budgets():
    [claim, *_] = words.entries(judged(study()))
    [check] = claim["checks"]
    assert check["wanted"] == "above 10" and check["tokens"] == "1.00 and 0.44"
    assert check["effect"].endswith("] points") and "[+" in check["effect"]
    assert check["published"] == "+41.6 points (47.3 against 5.7)"


def test_numbers_have_no_negative_zero_and_say_what_they_lack():
    assert words.number(-1e-9, -1.4, 50, "z.0f") == "0 [-1, 50]"
    assert words.number(0.5, np.nan, np.nan, "z.1f") == f"0.5 ({words.TOO_FEW})"
    assert words.number(np.nan, np.nan, np.nan) == words.TOO_FEW
