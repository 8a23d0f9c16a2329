"""The front page shows the results that are stored beside it."""

import html
import runpy

import pytest

from helpers.pages import README, ROOT
from prunescope.claims.claims import CLAIMS
from prunescope.claims.verdicts import FAILS, HOLDS, OPEN

LEDGER = ROOT / "docs/results/rope/ledger.csv"
SCRIPT = runpy.run_path(str(ROOT / "docs/scripts/results.py"))


def test_the_front_page_has_the_stored_verdicts_and_differences():
    text = README.read_text()
    assert SCRIPT["filled"](text) == text


def test_every_claim_has_a_verdict():
    rows = SCRIPT["verdicts"]().splitlines()[2:]
    cells = [row.strip("| ").split(" | ") for row in rows]
    assert len(cells) == len(CLAIMS)
    assert {verdict for _, *verdicts in cells for verdict in verdicts} <= {HOLDS, FAILS, OPEN}


def test_other_results_are_another_page(monkeypatch, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/ledger.csv").write_text("number,statement,verdict\n1,Pruning helps.,undecided\n")
    monkeypatch.setitem(SCRIPT["verdicts"].__globals__, "RESULTS", tmp_path)
    assert SCRIPT["verdicts"]().splitlines()[2:] == ["| 1. Pruning helps. | undecided |"]
    with pytest.raises(SystemExit, match="expected one pair of <!-- verdicts -->"):
        monkeypatch.setitem(SCRIPT["filled"].__globals__, "differences", lambda: "")
        SCRIPT["filled"]("no markers")


def test_the_example_report_is_of_the_stored_ledger():
    page = ROOT / "docs/example/report.html"
    text = html.unescape(page.read_text())
    assert page.stat().st_size < 3e6
    assert all(row["statement"] in text for row in SCRIPT["read"](LEDGER))
