"""The ledger follows the numbers: claims turn with the study, and fail by themselves."""

import numpy as np
import pytest

from helpers import synthetic
from helpers.claims_study import (
    BETTER,
    FEW,
    GRID,
    METHODS,
    NOROPE,
    ROOT,
    ROPE,
    attend_to_boxes,
    judged,
    library,
    of_claim,
    study,
    without,
)
from prunescope.claims import roles
from prunescope.claims.checks import Check
from prunescope.claims.claims import CLAIMS
from prunescope.claims.evidence import Effect, Evidence
from prunescope.claims.published import Published
from prunescope.claims.verdicts import ABSENT, FAILS, HOLDS, OPEN, UNMATCHED, UNTESTABLE
from prunescope.method_names import label
from prunescope.report.numbers import TOO_FEW, UNITS, entries, number
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, compare


def verdicts(evidence):
    return judged(evidence).drop_duplicates("number")["verdict"].tolist()


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_claims_turn_with_the_numbers():
    worse = {"fastv": {"locate": "unpruned", "*": "fastv"}, "fastv-norope": "fastv"}
    worse |= {"feather": "fastv"}
    worse |= {"shuffled": "unpruned", "union": "fastv", "later-before": "fastv"}
    better = attend_to_boxes(study(4.0, BETTER), 2)
    worse_study = attend_to_boxes(study(-4.0, worse), 1)
    assert verdicts(better) == [HOLDS] * 9
    # nothing to remove for claim 3, and nothing that FastV leaves unharmed for claim 4
    premises = {3: UNTESTABLE, 4: UNTESTABLE}
    assert verdicts(worse_study) == [premises.get(number, FAILS) for number in range(1, 10)]


def test_a_bound_out_of_reach_turns_the_verdict():
    assert verdicts(study())[0] == HOLDS
    assert verdicts(study(min_extra_loss=0.9))[0] == FAILS


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
    assert set(table["unit"]) <= UNITS.keys()


def test_a_check_says_what_is_measured_and_what_is_published():
    first = judged(study()).drop_duplicates("number").set_index("number")
    fastv, feather = (label(name) for name in ("fastv", "feather"))
    assert first.loc[1, "measure"] == f"Accuracy lost, {CONTRAST}: “{fastv}”"
    assert first.loc[7, "measure"].startswith(f"Accuracy on localization: “{feather}” minus “")
    assert first.loc[2, "published"] == "+0.307 of the image height (0.807 against 0.500)"


def test_claims_without_their_methods_are_not_in_the_study():
    few = study(methods={"unpruned": [], "uniform": METHODS["uniform"]})
    table = judged(few).set_index("number")
    absent = table.index[table["verdict"] == ABSENT]
    assert absent.tolist() == [1, 4, 6, 7, 8, 9]
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


def test_a_replay_that_is_far_worse_is_noticed():
    verdict, _, rows = of_claim(study(4.0, BETTER | {"before": "fastv"}), 4)
    assert verdict == FAILS and (rows["low"] > 0.05).all()


def test_a_strong_pull_to_the_top_is_a_concentration_too():
    evidence = study()
    top = -9 * np.arange(synthetic.GRID[0])[:, None] * np.ones(synthetic.GRID)
    evidence.scores.loc[{"variant": "norope"}] += top
    verdict, _, rows = of_claim(evidence, 3)
    assert verdict == FAILS and set(rows.loc[rows["part"] == "height", "check"]) == {HOLDS, FAILS}


def test_tokens_that_lie_a_little_higher_later_are_not_less_so():
    """Both depths pull as much, except for less than counts as a concentration."""
    evidence = study()
    evidence.scores.loc[{"layer": 2}] = evidence.scores.sel(layer=1)
    evidence.scores[:8].loc[{"layer": 2}] *= -1  # 0.04 of the examples
    verdict, _, rows = of_claim(evidence, 2)
    assert verdict == OPEN and rows["low"].min() > 0


@pytest.mark.parametrize(
    ("number", "left_out", "part"),
    [
        (3, ["fastv", "fastv-as-feather"], "localization"),
        (5, ["later-before"], "answers"),
        (7, ["fastv", "fastv-as-feather"], "FastV"),
        (7, ["pyramiddrop"], "PyramidDrop"),
        (7, ["lattice-as-feather", "lattice-as-union"], "lattice"),
        (7, ["random-as-feather"], "random"),
        (6, ["uniform", "lattice-as-feather", "lattice-as-union"], "grid"),
        (1, ["text-only"], "share"),
    ],
)
def test_a_claim_without_one_of_its_parts_is_undecided(number, left_out, part):
    evidence = attend_to_boxes(study(4.0, BETTER, without(*left_out)), 2)
    verdict, note, rows = of_claim(evidence, number)
    assert verdict == OPEN and note == f"{part}: {ABSENT}"
    assert set(rows["check"]) == {HOLDS} and part not in set(rows["part"])


@pytest.mark.parametrize("role", ["fastv", "fastv-norope", "feather", "position-shuffle"])
def test_a_library_without_a_role_leaves_what_needs_it_undecided(role):
    known = {name: stages for name, stages in library().items() if name != role}
    evidence = attend_to_boxes(study(4.0, BETTER, known=known), 2)
    table = judged(evidence).drop_duplicates("number").set_index("number")
    lacks = table["note"].str.contains(f"no method plays {role!r}")
    assert lacks.any() and (table.loc[lacks, "verdict"] == OPEN).all()
    assert (table.loc[~lacks, "verdict"] == HOLDS).all()


def test_a_library_may_count_layers():
    known = library() | {"feather": METHODS["feather"]}
    assert of_claim(study(4.0, BETTER, known=known), 7)[0] == HOLDS


def test_a_part_that_is_not_matched_leaves_the_claim_undecided():
    evidence = study(4.0, BETTER, max_budget_gap=0.02)
    assert of_claim(evidence, 7)[:2] == (HOLDS, "")
    evidence.budgets["pyramiddrop"] = 0.1
    verdict, note, rows = of_claim(evidence, 7)
    assert verdict == OPEN and note == "PyramidDrop: budgets are not matched"
    assert rows["check"].tolist() == [HOLDS, UNMATCHED, HOLDS, HOLDS]


def test_one_part_can_refute_a_claim_by_itself():
    evidence = study(4.0, {"feather": "fastv", "fastv": "unpruned"}, without("pyramiddrop"))
    assert of_claim(evidence, 7)[:2] == (FAILS, f"PyramidDrop: {ABSENT}")


def test_an_error_in_one_part_leaves_the_other_judged():
    evidence = attend_to_boxes(study(4.0), 2)
    part = Evidence(**vars(evidence) | {"scores": evidence.scores.sel(layer=[1, 3, 4])})
    verdict, note, rows = of_claim(part, 2)
    assert verdict == OPEN and note == "later: no scores for layer 2 of 4"
    assert rows["part"].tolist() == ["early"] and rows["check"].tolist() == [HOLDS]


@pytest.mark.parametrize(
    ("number", "method", "rival", "candidate"),
    [(6, "union", "fastv-norope", "norope-as-union"), (7, "feather", "fastv", "fastv-as-feather")],
)
def test_rivals_are_those_that_were_matched(number, method, rival, candidate):
    worse = {"feather": "fastv", "fastv": "unpruned", "fastv-as-feather": "unpruned"}
    swap = BETTER if number == 6 else worse
    with_candidate = of_claim(study(4.0, swap, max_budget_gap=0.02), number)
    without_candidate = of_claim(study(4.0, swap, without(candidate), max_budget_gap=0.02), number)
    for (verdict, _, rows), expected, other in (
        (with_candidate, HOLDS if number == 6 else FAILS, candidate),
        (without_candidate, OPEN, rival),
    ):
        assert verdict == expected
        assert rows[["method", "reference"]].values.tolist()[0] == [method, other]
    assert "budgets are not matched" in without_candidate[1]


def test_the_union_is_judged_at_the_fraction_of_the_study():
    more = METHODS | {"union": [METHODS["union"][0] | {"remove": 0.5}]}
    assert of_claim(study(methods=more), 6)[0] == ABSENT


def test_a_method_removes_a_fraction_only_if_each_of_its_stages_does():
    both = [stage | {"remove": 0.4} for stage in METHODS["feather"]]
    mixed = [both[0], both[1] | {"remove": 0.8}]
    evidence = study(methods=METHODS | {"feather": mixed, "union": both})
    assert evidence.removing(0.4, ["feather", "union"]) == ["union"]
    assert study().removing(0.7, ["feather", "pyramiddrop"]) == ["feather", "pyramiddrop"]
    assert study().removing(0.75, ["fastv", "fastv-norope", "uniform"]) == ["fastv", "fastv-norope"]


def silenced(*tasks):
    """A study in which nobody can read what the model answers in some tasks."""
    evidence = study(4.0, BETTER)
    mute = evidence.records["task"].isin(tasks)
    evidence.records.loc[mute, "invalid"] = True
    evidence.records.loc[mute, "score"] = 0.0
    return evidence


def test_tasks_that_the_model_cannot_answer_are_left_out():
    sentence = "left out, as no answer of the unpruned model can be read: color"
    verdict, note, rows = of_claim(silenced("color"), 4)
    assert verdict == HOLDS and note == sentence and len(rows) == 1
    fewer = study(4.0, BETTER)
    fewer.records.drop(fewer.records.index[fewer.records["task"] == "color"], inplace=True)
    mute, absent = of_claim(silenced("color"), 1), of_claim(fewer, 1)
    assert mute[1] == sentence and absent[1] == ""
    assert mute[2]["value"].tolist() == pytest.approx(absent[2]["value"].tolist())


def test_without_a_task_that_is_answered_nothing_is_said_of_them():
    verdict, note, rows = of_claim(silenced("color", "count"), 4)
    assert verdict == OPEN and rows["measure"].isna().all()
    assert note.startswith("other tasks: no other tasks in this study; its tasks are ['locate'")
    assert note.endswith("color, count")


def test_budgets_are_those_of_the_tasks_that_are_judged():
    evidence = study(max_budget_gap=0.02)
    elsewhere = evidence.records["task"] != "locate"
    cheap = elsewhere & (evidence.records["method"] == "feather")
    evidence.records.loc[cheap, "mean_tokens"] = 36.0
    rows = of_claim(evidence, 7)[2]
    assert rows["method tokens"].tolist() == pytest.approx([57 / 144] * 4)
    assert rows["reference"].tolist()[:2] == ["fastv-as-feather", "pyramiddrop"]
    assert evidence.budget("feather", "color") == 1


@pytest.mark.parametrize(
    ("effect", "more", "expected"),
    [
        (0.2, 0.0, HOLDS), (0.2, 0.3, UNMATCHED), (0.2, -0.3, HOLDS),
        (-0.2, 0.0, FAILS), (-0.2, 0.3, FAILS), (-0.2, -0.3, UNMATCHED),
    ],
)  # fmt: skip
def test_a_larger_budget_proves_nothing_and_a_smaller_one_all_the_more(effect, more, expected):
    evidence = study(max_budget_gap=0.02)
    evidence.budgets["a"], evidence.budgets["b"] = 0.4 + more, 0.4
    measured = Effect(effect, effect - 0.1, effect + 0.1, 99, 99)
    check = Check(
        "",
        measured,
        "points",
        0.0,
        Published("", ""),
        methods=("a", "b"),
        group="locate",
        matched=True,
    )
    assert check.verdict(evidence) == expected


def test_methods_of_the_library_are_told_apart():
    same = [
        (a, b)
        for a, one in library().items()
        for b, other in library().items()
        if roles.same_kind(one, other)
    ]
    assert {(a, b) for a, b in same if a != b} == {
        ("text-only", "no-image"),
        ("no-image", "text-only"),
    }
    assert roles.layers(library()["no-image"], 4) != roles.layers(library()["text-only"], 4)


def test_layers_counts_and_seeds_do_not_matter():
    assert roles.same_kind(METHODS["fastv-norope"], library()["fastv-norope"])
    assert roles.same_kind(METHODS["shuffled"], library()["position-shuffle"])
    assert roles.layers(library()["feather"], 12) == [3, 6]
    assert study().single_stage("fastv-norope", 0.25) == ["fastv-norope"]
    assert study(remove=0.5).single_stage("fastv-norope", 0.25) == []


def test_methods_of_a_kind_differ_in_numbers_alone():
    stage = {"layer": 3, "remove": 0.75, "score": NOROPE, "always": GRID}
    numbers = {"layer": 0.5, "remove": 0.9, "power": 3, "of": "all", "keep": 9}
    for key, value in numbers.items():
        assert roles.same_kind([stage], [stage | {key: value}]), key
    wider = {"uniform": GRID["uniform"] | {"stride": 2}}
    assert roles.same_kind([stage], [stage | {"always": wider}])
    assert roles.same_kind([{"score": {"random": {"seed": 1}}}], [{"score": {"random": {}}}])
    others = [{"score": ROPE}, {"always": {"uniform": {"stride": 3}}}, {"positions": "compact"}]
    assert not any(roles.same_kind([stage], [stage | other]) for other in others)
    assert not roles.same_kind([stage], [stage, stage])


def test_what_stages_remove():
    assert roles.removed([{"keep": 9}], 36) == [0.75]
    assert roles.removed([{"keep": 0.25}], 36) == [0.75]
    assert roles.removed([{"remove": 0.7}, {"remove": 0.9}], 36) == [0.7, 0.9]
    assert np.isnan(roles.removed([{"score": {"uniform": {}}}], 36)).all()
    stages = [{"layer": 0.25, "remove": 0.7}, {"layer": 5, "keep": 9}, {"layer": 6, "keep": 1.0}]
    assert roles.layers(stages, 12) == [3, 5]


def test_the_rival_is_the_one_of_the_closest_budget():
    evidence = study()
    assert evidence.closest_budget("feather", ["unpruned", "pyramiddrop"]) == ["pyramiddrop"]
    assert evidence.closest_budget("feather", []) == []


def test_words_have_interval_bound_and_budgets():
    [claim, *_] = entries(judged(study()))
    check = claim["checks"][0]
    assert check["wanted"] == "above 10" and check["tokens"] == "1.00 and 0.44"
    assert check["effect"].endswith("] points") and "[+" in check["effect"]
    assert check["published"] == "+41.6 points (47.3 against 5.7)"


def test_numbers_have_no_negative_zero_and_say_what_they_lack():
    assert number(-1e-9, -1.4, 50, "z.0f") == "0 [\N{MINUS SIGN}1, 50]"
    assert number(0.5, np.nan, np.nan, "z.1f") == f"0.5 ({TOO_FEW})"
    assert number(np.nan, np.nan, np.nan) == TOO_FEW
