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


def test_an_example_is_copied_from_the_reports(tmp_path, monkeypatch):
    reports, docs = tmp_path / "reports", tmp_path / "docs"
    copied = {
        "report.html": "example/report.html",
        "rope/figures/accuracy_vs_budget.png": "accuracy_vs_budget.png",
        "rope/ledger.csv": "results/rope/ledger.csv",
        "rope/tables/matched_differences.csv": "results/rope/matched_differences.csv",
        "testbed-a1/swin/ledger.csv": "results/swin/ledger.csv",
    }
    for name in copied:
        (reports / name).parent.mkdir(parents=True, exist_ok=True)
        (reports / name).write_text(name)
    docs.mkdir()
    for name, path in {"ROOT": tmp_path, "RESULTS": docs / "results"}.items():
        monkeypatch.setitem(SCRIPT["copy_from"].__globals__, name, path)
    SCRIPT["copy_from"](reports)
    files = {str(path.relative_to(docs)): path for path in docs.rglob("*") if path.is_file()}
    assert {name: path.read_text() for name, path in files.items()} == {
        target: source for source, target in copied.items()
    }
