"""Many checks at once: intervals grow, and verdicts follow."""

import pytest
from scipy import stats

from helpers.claims_study import BETTER, ROOT, of_claim, study
from prunescope.claims.evidence import Effect
from prunescope.claims.multiplicity import widened
from prunescope.claims.verdicts import HOLDS, OPEN

EFFECT = Effect(0.2, 0.1, 0.4, 80, 40)


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_intervals_grow_as_students():
    wide = widened(EFFECT, 20, 0.95)
    ratio = stats.t.ppf(1 - 0.025 / 20, 39) / stats.t.ppf(0.975, 39)
    assert ratio > 1.5
    assert (wide.low, wide.high) == pytest.approx((0.2 - 0.1 * ratio, 0.2 + 0.2 * ratio))
    assert wide.value == EFFECT.value


def test_one_check_needs_no_correction():
    assert widened(EFFECT, 1, 0.95) == EFFECT
    alone = Effect(0.2, float("nan"), float("nan"), 2, 1)
    assert widened(alone, 20, 0.95) is alone


def test_a_check_near_its_bound_moves_and_its_claim_with_it():
    row = of_claim(study(4.0, BETTER), 8)[2].iloc[0]
    assert (row["corrected check"], row["corrected verdict"]) == (HOLDS, HOLDS)
    near = of_claim(study(4.0, BETTER, min_extra_loss=row["low"] - 1e-6), 8)[2].iloc[0]
    assert (near["check"], near["verdict"]) == (HOLDS, HOLDS)
    assert (near["corrected check"], near["corrected verdict"]) == (OPEN, OPEN)


def test_premises_are_corrected_too():
    lossy = {"fastv": {"locate": "fastv", "*": "fastv-norope"}}
    answers = BETTER | lossy | {"before": lossy["fastv"]}
    highest = of_claim(study(4.0, answers), 9)[2]["high"].max()
    rows = of_claim(study(4.0, answers, max_unnoticed_loss=highest + 1e-6), 4)[2]
    assert set(rows["check"]) == {HOLDS} and OPEN in set(rows["corrected check"])
