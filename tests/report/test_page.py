"""The page: what it says, and that nothing is fetched when it is opened."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prunescope.claims.verdicts import ABSENT, FAILS, HOLDS
from prunescope.errors import InputError
from prunescope.report.page import Findings, Items, to_html, within, write
from prunescope.report.wording import TOO_FEW

TEMPLATE = Path(__file__).parents[2] / "reports" / "templates" / "report.html.j2"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (500).to_bytes(4) * 2
CHECK = {
    "number": 1, "statement": "Pruning <harms>.", "verdict": FAILS, "measure": "accuracy lost",
    "value": 0.24, "low": 0.17, "high": 0.31, "unit": "points", "bound": 0.1, "wanted": "below",
    "method": "unpruned", "reference": "fastv", "method tokens": 1.0, "reference tokens": 0.3125,
    "check": FAILS, "published": "+41.6 points", "source": "Table A2: unpruned", "note": np.nan,
    "units": 250,
}  # fmt: skip
HEIGHT = {"measure": "mean height", "value": -0.02, "low": np.nan, "high": np.nan, "check": HOLDS}
HEIGHT |= {"unit": "height", "wanted": "above", "method tokens": np.nan, "reference tokens": np.nan}
LEDGER = [
    CHECK,
    CHECK | HEIGHT,
    {"number": 2, "statement": "Later is better.", "verdict": ABSENT, "note": "needs more"},
]
PUBLISHED = {
    "method": "fastv-k1", "K": "3", "R": "0.75", "localization published": 0.059,
    "localization": 0.264, "localization low": 0.204, "localization high": 0.324,
    "localization kept published": 0.111, "localization kept": 0.291,
    "source": "Table 1", "tokens published": 0.32, "tokens": 0.3125,
}  # fmt: skip

BENCHMARK = {
    "method": "fastv-k1", "source": "Table 1", "K": "3", "R": "0.75", "task": "refcoco",
    "examples": 1024, "published": 0.067, "value": 0.071, "low": 0.06, "high": 0.08,
    "difference": 0.004, "check": "holds",
}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """Arguments of `report.write` but for the template."""
    tables = {"ledger": LEDGER, "published": [PUBLISHED], "benchmarks": [BENCHMARK]}
    tables |= {"differences": [{"value": 1.0}]}
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "mean_kept_row.png").write_bytes(PNG)
    paths = {
        "figures": {"mean_kept_row": tmp_path / "mean_kept_row.png"},
        "tables": {"differences": tmp_path / "differences.csv"},
        "ledger": tmp_path / "ledger.csv",
        "published": tmp_path / "published.csv",
        "benchmarks": tmp_path / "benchmarks.csv",
        "stands_for": "siglip",
    }
    return {
        "page": tmp_path / "report.html",
        "study": "tiny <study>",
        "models": {"tiny": Findings(**paths)},
        "across": Items({}, {}),
        "captions": {"mean_kept_row": "A title.\n\nHow to read it."},
        "manifest": {"seed": 7, "versions": {"numpy": "2"}},
        "tolerance": 0.015,
        "template": TEMPLATE,
    }


@pytest.fixture
def page(files):
    write(**files)
    return files["page"].read_text()


class Links(HTMLParser):
    """What a browser would fetch, and the text."""

    def __init__(self, page):
        super().__init__()
        self.fetched, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        wanted = {"img": "src", "script": "src", "link": "href"}.get(tag)
        self.fetched += [value for key, value in attrs if key == wanted]

    def handle_data(self, data):
        self.text += data


def test_page_is_self_contained(page):
    links = Links(page)
    assert len(links.fetched) == 1 and links.fetched[0].startswith("data:image/png;base64,")


def test_page_says_captions_and_provenance(page):
    text = Links(page).text
    for part in ("A title.", "How to read it.", "numpy 2", "seed", "tiny <study>"):
        assert part in text


def test_page_opens_with_the_claims(page):
    text = Links(page).text
    assert "Of 2 claims" in " ".join(text.split())
    said = (
        "1. Pruning <harms>.",
        "+24.0 [+17.0, +31.0] points",
        "below 10",
        "1.00 and 0.31",
        "250 images",
    )
    for part in (
        *said,
        "Table A2: unpruned",
        f"\N{MINUS SIGN}0.020 ({TOO_FEW})",
        "needs more",
        ABSENT,
    ):
        assert part in text
    assert text.index("Later is better.") < text.index("A title.")
    assert page.count('class="check does-not-hold"') == 1


def test_page_has_the_papers_numbers_beside_ours(page):
    for cell in ("FastV, K = 1", "Table 1, K 3, R 0.75", "5.9 (11 %)", "26.4 [20.4, 32.4] (29 %)"):
        assert f">{cell}<" in page


def test_values_share_a_cell_with_their_spread():
    table = pd.DataFrame({"method": ["fastv-k1"], "value": [0.5], "low": [0.4], "high": [0.6]})
    table = table.assign(**{"other": 1.0, "other low": np.nan, "other high": np.nan})
    html = to_html(table.assign(ms=12.0, ms_q25=11.0, ms_q75=14.0))
    for cell in (
        "FastV, K = 1",
        "0.500 [0.400, 0.600]",
        f"1.000 ({TOO_FEW})<",
        "12.0 [11.0, 14.0]",
    ):
        assert cell in html
    assert "low" not in html and "q25" not in html


def test_page_of_several_models_has_a_part_for_each_and_one_for_all(files):
    own = files["models"]["tiny"]
    table = {"models_table": own.tables["differences"]}
    write(**files | {"models": {"a": own, "b": own}, "across": Items({}, table)})
    page = files["page"].read_text()
    links, ids = re.findall(r'href="#([^"]*)"', page), re.findall(r'id="([^"]*)"', page)
    assert set(links) <= set(ids) and len(ids) == len(set(ids))
    for part in ("across-models_table", "a-mean_kept_row", "b-differences", "b-claim-2"):
        assert part in ids
    assert page.count(">Later is better.<") == 2 and page.count("<img") == 2
    assert Links(page).text.count(f"1. Pruning <harms>.{FAILS}{FAILS}") == 1  # one row of verdicts


def test_what_could_not_be_made_is_told_in_its_place_and_at_the_top(files):
    folder = files["page"].parent
    pd.DataFrame({"note": ["no <box> at all"]}).to_csv(folder / "mean_kept_row.csv", index=False)
    (folder / "mean_kept_row.png").write_bytes(b"")
    (folder / "differences.csv").write_text("note\nno pairs\n")
    findings = replace(files["models"]["tiny"], notes=["Task locate: nobody answers."])
    write(**files | {"models": {"tiny": findings}})
    page = Links(files["page"].read_text())
    for said in (
        "“A title.” is not made: no <box> at all",
        "“differences” is not made: no pairs",
        "Task locate: nobody answers.",
    ):
        assert page.text.index(said) < page.text.index("Of 2 claims")
    assert "Not made: no <box> at all" in page.text and "Not made: no pairs" in page.text
    assert not page.fetched


def test_a_study_that_compares_no_methods_has_a_page(files):
    compared = ("method", "reference", "method tokens", "reference tokens")
    alone = {key: value for key, value in (CHECK | HEIGHT).items() if key not in compared}
    pd.DataFrame([alone]).to_csv(files["page"].parent / "ledger.csv", index=False)
    write(**files)
    assert f"\N{MINUS SIGN}0.020 ({TOO_FEW})" in Links(files["page"].read_text()).text


def test_a_study_without_any_of_the_papers_rows_has_a_page(files):
    (files["page"].parent / "published.csv").write_text("method,source,K,R\n")
    write(**files)
    assert "no method of this study is one of the paper" in files["page"].read_text()


@pytest.mark.parametrize(
    ("stands_for", "said"),
    [
        (
            "siglip",
            ["SigLIP 7B with 32 layers", "8,910", "AI2D here has the 3,088", "15,501", "GQA"],
        ),
        ("dinosiglip", ["DINOv2 + SigLIP 7B", "8,910", "AI2D here has the 3,088", "15,501", "GQA"]),
        ("llava-1.5", ["576 visual tokens", "no means over groups", "issue 46"]),
    ],
)
def test_numbers_of_each_published_model_have_their_own_causes_of_difference(
    files, stands_for, said
):
    (files["page"].parent / "published.csv").write_text("method,source,K,R\n")
    findings = replace(files["models"]["tiny"], stands_for=stands_for)
    write(**files | {"models": {"tiny": findings}})
    text = " ".join(Links(files["page"].read_text()).text.split())
    assert all(part in text for part in said)
    assert ("issue 46" in text) == (stands_for == "llava-1.5") != ("POPE here" in text)
    assert ("5.2 points above" in text) == (stands_for == "siglip")


def test_a_model_that_stands_for_none_has_nothing_beside_it(files):
    for name in ("published", "benchmarks"):
        (files["page"].parent / f"{name}.csv").write_text("method,source,K,R\n")
    findings = replace(files["models"]["tiny"], stands_for="none")
    write(**files | {"models": {"tiny": findings}})
    text = Links(files["page"].read_text()).text
    assert "No published number is laid beside" in text
    assert "Published row" not in text and "no method of this study" not in text


def test_items_are_told_apart_by_their_folders(tmp_path):
    items = [tmp_path / place for place in ("a/figures/x.png", "figures/x.png", "a/tables/y.csv")]
    assert within(tmp_path / "a", items) == ({"x": items[0]}, {"y": items[2]})
    assert within(tmp_path, items) == ({"x": items[1]}, {})


@pytest.mark.parametrize("missing", ["mean_kept_row.png", "differences.csv", "ledger.csv"])
def test_missing_files_are_named(files, missing):
    (files["page"].parent / missing).unlink()
    kind = "figure" if missing.endswith("png") else "table"
    with pytest.raises(InputError, match=rf"{missing}: no such {kind}"):
        write(**files)
