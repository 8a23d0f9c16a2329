"""The page: what it says, and that nothing is fetched when it is opened."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from prunescope.claims.verdicts import ABSENT, FAILS, HOLDS, UNTESTABLE
from prunescope.errors import InputError
from prunescope.report import pictures
from prunescope.report.numbers import TOO_FEW
from prunescope.report.page import Items, ModelItems, Report, within
from prunescope.report.pictures import ZOOM

TEMPLATE = Path(__file__).parents[2] / "reports" / "templates" / "report.html.j2"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="5pt"/>'
CHECK = {
    "number": 1, "statement": "Pruning <harms>.", "verdict": FAILS, "measure": "accuracy lost",
    "value": 0.24, "low": 0.17, "high": 0.31, "unit": "points", "bound": 0.1, "wanted": "below",
    "method": "unpruned", "reference": "fastv", "method tokens": 1.0, "reference tokens": 0.3125,
    "check": FAILS, "published": "+41.6 points", "source": "Table A2: unpruned", "note": np.nan,
    "units": 250, "first": 0.644, "second": 0.404, "first floor": 0.03, "second floor": 0.305,
    "corrected check": FAILS, "corrected verdict": FAILS,
}  # fmt: skip
HEIGHT = {"measure": "mean height", "value": -0.02, "low": np.nan, "high": np.nan, "check": HOLDS}
HEIGHT |= {"unit": "height", "wanted": "above", "method tokens": np.nan, "reference tokens": np.nan}
HEIGHT |= {
    "corrected check": HOLDS,
    "first": 0.48,
    "second": 0.5,
    "first floor": np.nan,
    "second floor": np.nan,
}
BESIDE = {
    "beside": "at other layers", "beside verdict": UNTESTABLE, "beside note": "premise absent",
    "measure": "accuracy of others", "check": UNTESTABLE, "corrected check": UNTESTABLE,
    "corrected verdict": UNTESTABLE, "premise": "accuracy lost on color", "premise value": 0.2,
    "premise low": 0.1, "premise high": 0.3, "premise unit": "points", "premise bound": 0.05,
    "premise wanted": "within", "premise check": FAILS,
}  # fmt: skip
LEDGER = [
    CHECK,
    CHECK | HEIGHT,
    CHECK | BESIDE,
    {"number": 2, "statement": "Later is better.", "verdict": ABSENT, "note": "needs more"},
]
PUBLISHED = {
    "method": "fastv-k1", "K": "3", "R": "0.75", "localization published": 0.059,
    "localization": 0.264, "localization low": 0.204, "localization high": 0.324,
    "localization kept published": 0.111, "localization kept": 0.291,
    "source": "Table 1", "tokens published": 0.32, "tokens": 0.3125, "localization floor": 0.03,
}  # fmt: skip

BENCHMARK = {
    "method": "fastv-k1", "source": "Table 1", "K": "3", "R": "0.75", "task": "refcoco",
    "examples": 1024, "published": 0.067, "value": 0.071, "low": 0.06, "high": 0.08,
    "difference": 0.004, "check": "holds", "floor": 0.012,
}  # fmt: skip


def save_png(path, title=""):
    """A picture of two inches by one, which states its title."""
    texts = PngInfo()
    texts.add_text("Title", title)
    Image.new("RGB", (600, 300)).save(path, dpi=(300, 300), pnginfo=texts)


@pytest.fixture
def folder(tmp_path):
    """Files of a report: its figure as PNG of two inches and as SVG, and its tables."""
    tables = {"ledger": LEDGER, "published": [PUBLISHED], "benchmarks": [BENCHMARK]}
    tables |= {"differences": [{"value": 1.0}]}
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(tmp_path / f"{name}.csv", index=False)
    save_png(tmp_path / "mean_kept_row.png")
    (tmp_path / "mean_kept_row.svg").write_text(SVG)
    return tmp_path


@pytest.fixture
def report(folder):
    files = {name: folder / f"{name}.csv" for name in ("ledger", "published", "benchmarks")}
    model = ModelItems(
        {"mean_kept_row": folder / "mean_kept_row.png"},
        {"differences": folder / "differences.csv"},
        **files,
        stands_for="siglip",
        size="12 decoder layers.",
        notebook=folder / "tiny" / "notebook.html",
    )
    captions = {"mean_kept_row": "A title.\n\nHow to read it."}
    facts = {"seed": 7, "packages": {"numpy": "2"}, "tiny: weights": "ab" * 32}
    return Report("tiny <study>", {"tiny": model}, Items({}, {}), captions, facts, 0.015)


def written(report, folder):
    report.write(folder / "report.html", TEMPLATE)
    return (folder / "report.html").read_text()


def of_model(report, **changes):
    """The report with changes of its one model."""
    return replace(report, models={"tiny": replace(report.models["tiny"], **changes)})


@pytest.fixture
def page(report, folder):
    return written(report, folder)


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
    assert len(links.fetched) == 1 and links.fetched[0].startswith("data:image/svg+xml;base64,")


def test_page_links_to_the_files_that_are_there(page):
    files = re.findall(r'href="([^"#:]+)"', page)
    assert sorted(set(files)) == sorted(
        [
            "differences.csv", "ledger.csv", "mean_kept_row.png", "mean_kept_row.svg",
            "tiny/notebook.html",
        ]
    )  # fmt: skip


def test_figures_are_as_wide_as_their_inches_say(page):
    assert f'width="{round(2 * 96 * ZOOM)}"' in page


def test_a_figure_without_a_headline_names_its_numbers(page):
    assert 'alt="A title. The CSV file has its numbers."' in page


def test_the_headline_of_a_figure_is_its_text_alternative(report, folder):
    save_png(folder / "mean_kept_row.png", "Tokens lie 0.02 above the middle")
    assert 'alt="A title. Tokens lie 0.02 above the middle."' in written(report, folder)


def test_heavy_figures_are_webp(report, folder, monkeypatch):
    monkeypatch.setattr(pictures, "HEAVIEST_SVG", 10)
    [image] = Links(written(report, folder)).fetched
    assert image.startswith("data:image/webp;base64,UklGR")


def test_page_has_landmarks_and_names_what_scrolls(page):
    for tag in ("<header>", "<nav ", "<main>", "<caption"):
        assert tag in page
    scrolls = re.findall(r'<div class="scroll"([^>]*)>', page)
    assert scrolls and all('tabindex="0"' in s and "aria-label=" in s for s in scrolls)


def test_digests_are_folded(page):
    assert page.index("<summary>Digests") < page.index("ab" * 32)
    assert page.index("numpy 2") < page.index("<summary>Digests")


def test_the_head_of_the_page_says_model_and_verdicts(page):
    text = " ".join(Links(page).text.split())
    assert "Model tiny: 12 decoder layers. Of 2 claims, 1 does not hold, 1 needs methods" in text


def test_page_says_captions_and_provenance(page):
    text = Links(page).text
    for part in ("A title", "How to read it.", "numpy 2", "seed", "tiny <study>"):
        assert part in text


def test_page_opens_with_the_claims(page):
    text = Links(page).text
    parts = (
        "1. Pruning <harms>.",
        "+24.0 [+17.0, +31.0] points",
        "below 10",
        "1.00 and 0.31",
        "250 images",
    )
    for part in (
        *parts,
        "Table A2: unpruned",
        f"\N{MINUS SIGN}0.020 ({TOO_FEW})",
        "needs more",
        ABSENT,
    ):
        assert part in text
    assert text.index("Later is better.") < text.index("1. A title")
    assert page.count('class="check does-not-hold"') == 1


def test_an_effect_has_its_two_values_and_text_only_beside_it(page):
    text = Links(page).text
    assert "64.4 against 40.4" in text and "text only: 3.0 and 30.5" in text
    assert "0.480 against 0.500" in text


def test_what_stands_beside_a_claim_has_a_verdict_and_says_what_it_needs(page):
    text = " ".join(Links(page).text.split())
    assert "at other layers (beside the claim, does not count for it)premise absent" in text
    assert page.count('class="verdict not-testable"') == 1
    assert page.count('class="check not-testable"') == 1
    needs = "needs: accuracy lost on color: +20.0 [+10.0, +30.0] points, wanted within ±5"
    assert f"{needs}: {FAILS}" in text
    assert f"at other layers: {UNTESTABLE}." in text  # in the list of claims
    assert ".not-testable {" in page  # its colour


def test_thresholds_and_many_checks_are_spoken_of(page):
    text = " ".join(Links(page).text.split())
    assert "results of earlier versions of this project were known" in text
    assert "Bonferroni's correction over all 3 checks, 0 of them" in text


def test_text_only_stands_beside_published_accuracies(report, folder):
    text = " ".join(Links(written(report, folder)).text.split())
    assert "Text onlynot printed3.0" in text and "7.1 [6.0, 8.0]1.2+0.4" in text
    for name, row, column in (
        ("published", PUBLISHED, "localization floor"),
        ("benchmarks", BENCHMARK, "floor"),
    ):
        pd.DataFrame([row | {column: np.nan}]).to_csv(folder / f"{name}.csv", index=False)
    text = " ".join(Links(written(report, folder)).text.split())
    assert "Text onlynot printed" not in text and "7.1 [6.0, 8.0]+0.4" in text


def test_page_has_the_papers_numbers_beside_ours(page):
    for cell in ("FastV, K = 1", "Table 1, K 3, R 0.75", "5.9 (11 %)", "26.4 [20.4, 32.4] (29 %)"):
        assert f">{cell}<" in page


def test_page_of_several_models_has_a_part_for_each_and_one_for_all(report, folder):
    model = report.models["tiny"]
    across = Items({}, {"models_table": model.tables["differences"]})
    page = written(replace(report, models={"a": model, "b": model}, across=across), folder)
    links, ids = re.findall(r'href="#([^"]*)"', page), re.findall(r' id="([^"]*)"', page)
    assert set(links) <= set(ids) and len(ids) == len(set(ids))
    for part in ("across-models_table", "a-mean_kept_row", "b-differences", "b-claim-2"):
        assert part in ids
    assert page.count(">Later is better.<") == 2 and page.count("<img") == 2
    text = " ".join(Links(page).text.split())
    assert text.count(f"1. Pruning <harms>.{FAILS}{FAILS}") == 1  # one row of verdicts


def test_notes_replace_items_that_could_not_be_made(report, folder):
    pd.DataFrame({"note": ["no <box> at all"]}).to_csv(folder / "mean_kept_row.csv", index=False)
    (folder / "mean_kept_row.png").write_bytes(b"")
    (folder / "differences.csv").write_text("note\nno pairs\n")
    page = written(of_model(report, notes=["Task locate: nobody answers."]), folder)
    links = Links(page)
    for sentence in (
        "“A title” is not made: no <box> at all",
        "“differences” is not made: no pairs",
        "Task locate: nobody answers.",
    ):
        assert links.text.index(sentence) < links.text.index("The checks behind the verdicts")
    assert "Not made: no <box> at all" in links.text and "Not made: no pairs" in links.text
    assert not links.fetched


def test_a_study_that_compares_no_methods_has_a_page(report, folder):
    compared = ("method", "reference", "method tokens", "reference tokens")
    alone = {key: value for key, value in (CHECK | HEIGHT).items() if key not in compared}
    pd.DataFrame([alone]).to_csv(folder / "ledger.csv", index=False)
    assert f"\N{MINUS SIGN}0.020 ({TOO_FEW})" in Links(written(report, folder)).text


def test_a_study_without_any_of_the_papers_rows_has_a_page(report, folder):
    (folder / "published.csv").write_text("method,source,K,R\n")
    assert "no method of this study is one of the paper" in written(report, folder)


@pytest.mark.parametrize(
    ("stands_for", "sentences"),
    [
        (
            "siglip",
            ["SigLIP 7B (32 layers", "8,910", "AI2D here has the 3,088", "15,501", "GQA"],
        ),
        ("dinosiglip", ["DINOv2 + SigLIP 7B", "8,910", "AI2D here has the 3,088", "15,501", "GQA"]),
        ("llava-1.5", ["576 visual tokens", "no means over groups", "issue 46"]),
    ],
)
def test_each_published_model_has_its_own_causes_of_difference(
    report, folder, stands_for, sentences
):
    (folder / "published.csv").write_text("method,source,K,R\n")
    page = written(of_model(report, stands_for=stands_for), folder)
    text = " ".join(Links(page).text.split())
    assert all(sentence in text for sentence in sentences)
    assert ("issue 46" in text) == (stands_for == "llava-1.5") != ("POPE here" in text)
    assert ("5.2 points above" in text) == (stands_for == "siglip")


def test_a_model_that_stands_for_none_has_nothing_beside_it(report, folder):
    for name in ("published", "benchmarks"):
        (folder / f"{name}.csv").write_text("method,source,K,R\n")
    text = Links(written(of_model(report, stands_for="none"), folder)).text
    assert "No published number is laid beside" in text
    assert "Published row" not in text and "no method of this study" not in text


def test_items_are_told_apart_by_their_folders(tmp_path):
    items = [tmp_path / place for place in ("a/figures/x.png", "figures/x.png", "a/tables/y.csv")]
    assert within(tmp_path / "a", items) == ({"x": items[0]}, {"y": items[2]})
    assert within(tmp_path, items) == ({"x": items[1]}, {})


@pytest.mark.parametrize("missing", ["mean_kept_row.png", "differences.csv", "ledger.csv"])
def test_missing_files_are_named(report, folder, missing):
    (folder / missing).unlink()
    kind = "figure" if missing.endswith("png") else "table"
    with pytest.raises(InputError, match=rf"{missing}: no such {kind}"):
        written(report, folder)


def test_long_tables_show_their_first_rows(report, folder):
    pd.DataFrame({"value": range(1000, 1100)}).to_csv(folder / "differences.csv", index=False)
    text = Links(written(report, folder)).text
    assert "The first 10 of 100 rows" in text and "1,009" in text and "1,010" not in text
