"""Where kept tokens lie: claim 3 needs a concentration that could disappear."""

import pytest

from helpers.claims_study import BETTER, ROOT, of_claim, study
from prunescope.claims.verdicts import FAILS, HOLDS, UNTESTABLE


@pytest.fixture(autouse=True)
def project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("tilt", [0.0, -4.0])
def test_without_a_concentration_nothing_can_disappear(tilt):
    verdict, note, rows = of_claim(study(tilt, BETTER), 3)
    assert verdict == UNTESTABLE
    assert note.startswith("premise absent: with RoPE in the score, kept tokens do not lie at the")
    by_part = rows.groupby("part")["check"].agg(set)
    assert by_part["height"] == {UNTESTABLE} and by_part["localization"] == {HOLDS}
    height = rows[rows["part"] == "height"]
    assert set(height["premise check"]) == {FAILS} and (height["premise value"] < 0.05).all()


def test_positions_stand_beside_their_difference():
    early, later = of_claim(study(4.0), 2)[2].to_dict("records")
    assert early["second"] == 0.5 and early["first"] == later["first"]
    assert later["value"] == pytest.approx(later["first"] - later["second"])
