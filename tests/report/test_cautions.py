"""Sentences on all checks together follow from the ledger."""

import pandas as pd

from prunescope.report.cautions import cautions


def row(number, verdict, corrected, half=0.05, beside="", unit="points"):
    """A check that decides its claim, or what stands beside it."""
    verdicts = {"beside verdict": verdict} if beside else {"verdict": verdict}
    return {
        "number": number, "measure": "accuracy", "unit": unit, "low": 0.3 - half,
        "high": 0.3 + half, "verdict": "holds", "check": verdict, "corrected check": corrected,
        "corrected verdict": corrected, "beside": beside, **verdicts,
    }  # fmt: skip


def of(*rows):
    return cautions(pd.DataFrame(rows))


def test_what_does_not_move_is_counted():
    correction, _ = of(row(1, "holds", "holds"), row(2, "undecided", "undecided"))
    assert correction.startswith("With Bonferroni's correction over all 2 checks, 0 of them would")
    assert correction.endswith("and 0 of the 2 verdicts that follow from them.")


def test_verdicts_that_move_are_named():
    rows = [row(1, "holds", "undecided"), row(1, "does not hold", "undecided", beside="later")]
    correction, _ = of(*rows, row(2, "holds", "holds"))
    assert "all 3 checks, 2 of them" in correction and "2 of the 3 verdicts" in correction
    assert correction.endswith(
        ": claim 1 (holds, then undecided); claim 1, later (does not hold, then undecided)."
    )


def test_the_width_is_the_median_of_accuracies():
    halves = [row(n, "holds", "holds", half) for n, half in enumerate((0.02, 0.04, 0.5))]
    width = of(*halves, row(9, "holds", "holds", 3.0, unit="height"))[-1]
    assert "reach 4.0 points to either side here (median of 3 checks)" in width


def test_a_ledger_without_checks_has_no_cautions():
    assert of({"number": 1, "verdict": "not in this study"}) == []


def test_a_study_of_attention_alone_has_no_width():
    assert len(of(row(1, "holds", "holds", unit="height"))) == 1
