"""Which tasks notice: claims 1, 4 and 9, with what must be true before they are tested."""

import pytest

from helpers.claims_study import BETTER, ROOT, of_claim, study, without
from prunescope.claims import published
from prunescope.claims.parts.tasks import FASTV, UNPRUNED
from prunescope.claims.verdicts import FAILS, HOLDS, OPEN, UNTESTABLE


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def paper():
    return published.read(ROOT / published.FOLDER)


def fastv(**by_task):
    """Answers of FastV and its replay: locate is harmed, others as `by_task` says."""
    answers = {"locate": "fastv", "*": "unpruned"} | by_task
    return BETTER | {"fastv": answers, "before": answers}


def test_a_larger_loss_in_points_may_be_a_smaller_share_of_what_the_image_adds():
    """Other tasks lose all that the image adds to them, though that is little."""
    lossy = fastv(color="fastv", count="fastv")
    floor = {"text-only": {"locate": "no image", "*": "fastv"}}
    verdict, _, rows = of_claim(study(4.0, lossy | floor), 1)
    assert rows.set_index("part")["check"].to_dict() == {"localization": HOLDS, "share": FAILS}
    assert verdict == FAILS
    share = rows.set_index("part").loc["share"]
    assert share["second"] == pytest.approx(1)
    assert share["value"] == pytest.approx(share["first"] - share["second"])


def test_the_share_is_judged_by_its_own_bound():
    verdict, _, rows = of_claim(study(4.0, BETTER, min_extra_share=2.0), 1)
    assert verdict == FAILS and rows["check"].tolist() == [HOLDS, FAILS]


def test_most_tasks_notice_or_do_not():
    assert of_claim(study(4.0, BETTER), 9)[0] == HOLDS
    verdict, note, rows = of_claim(study(4.0, fastv(color="fastv", count="fastv")), 9)
    assert (verdict, note) == (FAILS, "") and (rows["low"] > 0.05).all()
    assert rows["measure"].str.contains("lost on color").tolist() == [True, False]


def test_a_task_to_which_the_image_adds_nothing_cannot_notice():
    blind = BETTER | {"text-only": {"color": "unpruned", "*": "no image"}}
    verdict, note, rows = of_claim(study(4.0, blind), 9)
    assert rows["check"].tolist() == [UNTESTABLE, HOLDS]
    assert verdict == UNTESTABLE  # one of two is not most of them
    assert note == "premise absent: a task to which the image adds nothing cannot notice"
    assert "Text only" in rows["premise"].iloc[0] and rows["premise value"].iloc[0] == 0
    nobody_asked = study(4.0, blind, without("text-only"))
    verdict, _, rows = of_claim(nobody_asked, 9)
    assert verdict == HOLDS and rows["premise"].isna().all()


def test_two_ruins_that_look_alike_prove_nothing():
    ruined = study(4.0, fastv(color="fastv", count="fastv"))
    verdict, note, rows = of_claim(ruined, 4)
    assert verdict == UNTESTABLE and set(rows["check"]) == {UNTESTABLE}
    assert note.startswith("premise absent: where FastV itself harms a task")
    lost = of_claim(ruined, 9)[2]
    assert rows["premise value"].tolist() == pytest.approx(lost["value"].tolist())
    assert set(rows["premise check"]) == {FAILS} and (rows["value"] == 0).all()


def test_most_tasks_must_be_testable():
    one, other = fastv(color="fastv"), fastv(count="fastv")
    for answers, expected in ((one, [UNTESTABLE, HOLDS]), (other, [HOLDS, UNTESTABLE])):
        verdict, _, rows = of_claim(study(4.0, answers), 4)
        assert rows["check"].tolist() == expected and verdict == UNTESTABLE


def test_a_premise_that_is_undecided_leaves_the_check_so():
    ruined = fastv(color="fastv", count="fastv")
    lost = of_claim(study(4.0, ruined), 9)[2]["value"]
    verdict, _, rows = of_claim(study(4.0, ruined, max_unnoticed_loss=lost.mean()), 4)
    assert set(rows["premise check"]) == {OPEN} == set(rows["check"]) and verdict == OPEN


def test_the_papers_own_tasks_have_their_own_numbers_beside_them(paper):
    shown = published.loss(paper, UNPRUNED, FASTV, "gqa", 0.05)
    assert shown == published.difference(paper, UNPRUNED, FASTV, "gqa")
    counts = {}
    for bound in (0.0, 0.05, 0.07, 0.3):
        text = published.loss(paper, UNPRUNED, FASTV, "color", bound).text
        counts[bound] = int(text.partition(" in ")[2].split()[0])
        assert text.endswith("of 8 other tasks, 0.0 to 23.1 in all")
    assert counts == {0.0: 1, 0.05: 6, 0.07: 7, 0.3: 8}


def test_shares_of_the_paper_are_of_the_whole_accuracy(paper):
    whole, left = (published.cells(paper, row) for row in (UNPRUNED, FASTV))
    lost = [100 * (1 - left[group] / whole[group]) for group in ("localization", "other tasks")]
    text = published.relative_contrast(paper, UNPRUNED, FASTV).text
    assert text.startswith(f"{lost[0] - lost[1]:+.1f} points ({lost[0]:.1f} against {lost[1]:.1f})")
