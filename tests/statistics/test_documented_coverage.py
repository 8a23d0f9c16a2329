"""The page on statistics states the coverage that was measured, and it is what is promised."""

import json
import re
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/statistics.md").read_text()


def measured(name):
    return json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())["measured"]


ANSWERS = measured("coverage")


def numbers(head):
    """Numbers in the rows of the page's table with this head; words are left out."""
    table = PAGE.split(f"\n| {' | '.join(head)} |\n")[1].split("\n\n")[0]
    return [[float(n) for n in re.findall(r"-?\d+\.?\d*", row)] for row in table.splitlines()[1:]]


def percent(value):
    return float(f"{100 * value:.1f}")


def test_usual_answers_cover_as_the_page_says():
    names = ["images", "questions", "correlation", "mean", "difference", "by question"]
    rates = [[percent(case[name]) for name in names[3:]] for case in ANSWERS["cases"]]
    assert [row[3:] for row in numbers(names)] == rates


@pytest.mark.parametrize(
    ("kind", "keys", "head"),
    [("answers", ["right"], ["right"]), ("differences", ["gain", "loss"], ["gained", "lost"])],
)
def test_rare_ones_cover_as_the_page_says(kind, keys, head):
    expected = []
    for truth, cases in groupby(ANSWERS[kind], lambda case: [case[key] for key in keys]):
        cases = list(cases)
        rates = [percent(case[name]) for name in ("covered", "bootstrap") for case in cases]
        widths = [percent(cases[1][name]) for name in ("width", "bootstrap width")]
        expected.append([100 * share for share in truth] + rates + widths)
    head = [*head, "covered", "bootstrap alone", "width", "bootstrap's width"]
    for row, wanted in zip(numbers(head), expected, strict=True):
        assert row == pytest.approx(wanted)


def test_sums_cover_as_the_page_says():
    groups = groupby(ANSWERS["sums"], lambda case: case["right"])
    cases = {tuple(shares): list(of_shares) for shares, of_shares in groups}
    expected = [
        [*shares, *(percent(case[name]) for name in ("mean", "difference") for case in of_shares)]
        for shares, of_shares in cases.items()
    ]
    assert numbers(["tasks", "mean", "first minus others"]) == expected


def test_distances_cover_as_the_page_says():
    names = ["total_variation", "kl"]
    cases = measured("coverage_of_distances")["cases"]
    rows = numbers(["counted", "truth", "total variation", "KL divergence"])
    assert [row[-2:] for row in rows] == [[percent(case[name]) for name in names] for case in cases]


def test_intervals_cover_what_they_promise():
    rates = [case["covered"] for kind in ("answers", "differences") for case in ANSWERS[kind]]
    rates += [case[name] for case in ANSWERS["sums"] for name in ("mean", "difference")]
    noise = (0.95 * 0.05 / ANSWERS["studies"]) ** 0.5
    assert len(rates) > 70 and min(rates) > 0.95 - 3 * noise
