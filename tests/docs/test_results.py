"""The front page shows the results that are stored beside it."""

import html
import re
import runpy

import pytest

from helpers.pages import ROOT
from prunescope.claims.claims import CLAIMS
from prunescope.claims.verdicts import VERDICTS

EXAMPLE = ROOT / "docs/example"
REPORT = EXAMPLE / "report.html"
SCRIPT = runpy.run_path(str(ROOT / "docs/scripts/results.py"))


@pytest.mark.parametrize("page", SCRIPT["PAGES"], ids=lambda page: page.name)
def test_pages_have_the_stored_results(page):
    assert SCRIPT["filled"](page) == page.read_text()


def test_every_claim_has_a_verdict():
    rows = SCRIPT["verdicts"]().splitlines()[2:]
    cells = [row.strip("| ").split(" | ") for row in rows]
    claims = [f"{number}. {claim.statement}" for number, claim in enumerate(CLAIMS, 1)]
    assert [claim for claim, *_ in cells] == claims  # of the code, not of an older example
    verdicts = {text.partition(";")[0] for _, *texts in cells for text in texts}
    assert verdicts and verdicts <= {*VERDICTS}


def test_other_results_are_another_page(monkeypatch, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/ledger.csv").write_text("number,statement,verdict\n1,Pruning helps.,undecided\n")
    monkeypatch.setitem(SCRIPT["verdicts"].__globals__, "EXAMPLE", tmp_path)
    assert SCRIPT["verdicts"]().splitlines()[2:] == ["| 1. Pruning helps. | undecided |"]
    with pytest.raises(SystemExit, match="expected one pair of <!-- verdicts -->"):
        page = tmp_path / "page.md"
        page.write_text("no markers")
        monkeypatch.setitem(SCRIPT["PAGES"], page, {"verdicts": SCRIPT["verdicts"]})
        SCRIPT["filled"](page)


def test_a_verdict_beside_the_claim_is_in_its_cell(monkeypatch, tmp_path):
    (tmp_path / "a").mkdir()
    rows = ["number,statement,verdict,beside,beside verdict", "1,Pruning helps.,does not hold,,"]
    rows += ["1,Pruning helps.,does not hold,later,holds"] * 2
    rows += ["2,Nobody knows.,not testable,,"]
    (tmp_path / "a/ledger.csv").write_text("\n".join(rows))
    monkeypatch.setitem(SCRIPT["verdicts"].__globals__, "EXAMPLE", tmp_path)
    assert SCRIPT["verdicts"]().splitlines()[2:] == [
        "| 1. Pruning helps. | does not hold; later: holds |",
        "| 2. Nobody knows. | not testable |",
    ]


def test_the_example_report_is_of_the_stored_ledger():
    text = html.unescape(REPORT.read_text())
    assert all(row["statement"] in text for row in SCRIPT["read"](EXAMPLE / "smol/ledger.csv"))


def test_the_example_is_small_and_has_the_files_that_its_page_links_to():
    links = re.findall(r'(?:href|src)="(?!#|https?:|data:)([^"#]+)', REPORT.read_text())
    assert links and all((EXAMPLE / html.unescape(link)).is_file() for link in links)
    sizes = [path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()]
    assert REPORT.stat().st_size < 3e6 and sum(sizes) < 8e6


def test_an_example_is_copied_from_the_reports(tmp_path, monkeypatch):
    reports, example = tmp_path / "reports", tmp_path / "example"
    copied = ["report.html", "smol/figures/a.png", "smol/ledger.csv", "tables/cost_table.csv"]
    for name in [*copied, "smol/a.ipynb"]:
        (reports / name).parent.mkdir(parents=True, exist_ok=True)
        (reports / name).write_text(name)
    monkeypatch.setitem(SCRIPT["copy_from"].__globals__, "EXAMPLE", example)
    for _ in range(2):  # the second copy replaces the first
        SCRIPT["copy_from"](reports)
        files = [str(p.relative_to(example)) for p in example.rglob("*") if p.is_file()]
        assert sorted(files) == sorted(copied)


def test_explanations_stand_beside_their_verdict(monkeypatch, tmp_path):
    (tmp_path / "tables").mkdir()
    rows = ["explanation,verdict", "rotation: of any decoder,does not hold", "text,holds"]
    rows += ["text,holds", "norms,does not hold"]
    (tmp_path / "tables/explanations_table.csv").write_text("\n".join(rows))
    monkeypatch.setitem(SCRIPT["explanations"].__globals__, "EXAMPLE", tmp_path)
    assert SCRIPT["explanations"]() == "- **does not hold**: rotation; norms\n- **holds**: text"
