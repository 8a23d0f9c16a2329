"""The page, and findings that follow the numbers."""

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import synthetic

from prunescope import report
from prunescope.errors import InputError
from prunescope.findings import CLAIMS, findings
from prunescope.findings.words import DIFFERS, MATCHES, OPEN, UNTESTED, number, verdict
from prunescope.statistics.accuracy import compare
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import position_bias

TEMPLATE = Path(__file__).parents[1] / "reports" / "templates" / "report.html.j2"
FEW = Bootstrap(100)


def estimate(value, low, high):
    return pd.Series({"value": value, "low": low, "high": high})


@pytest.mark.parametrize(
    ("row", "sign", "expected"),
    [
        (estimate(0.2, 0.1, 0.3), 1, MATCHES),
        (estimate(0.2, 0.1, 0.3), -1, DIFFERS),
        (estimate(-0.2, -0.3, -0.1), 1, DIFFERS),
        (estimate(-0.2, -0.3, -0.1), -1, MATCHES),
        (estimate(0.1, -0.1, 0.3), 1, OPEN),
        (estimate(0.1, np.nan, np.nan), 1, OPEN),
    ],
)
def test_verdict_is_the_side_of_the_interval(row, sign, expected):
    assert verdict(row, sign=sign) == expected


def test_numbers_have_their_interval_and_no_negative_zero():
    assert number(estimate(-1e-9, -0.014, 0.5), 100, "z.0f") == "0 [-1, 50]"


def tables(tilt, gain):
    """Tables of a study with a pull of `tilt` and with fastv-norope `gain` above fastv."""
    records = synthetic.records()
    if not gain:
        swapped = {"fastv": "fastv-norope", "fastv-norope": "fastv"}
        records["method"] = records["method"].replace(swapped)
    pairs = [("fastv", "unpruned"), ("fastv-norope", "fastv"), ("feather", "pyramiddrop")]
    return {
        "mean_kept_row": position_bias(synthetic.scores(tilt=tilt), [0.75], FEW),
        "differences": compare(records, pairs, ["locate"], FEW),
    }


def by_claim(tables):
    return {f.claim: f for f in findings(tables)}


def test_findings_turn_with_the_numbers():
    there, back = by_claim(tables(4.0, True)), by_claim(tables(-4.0, False))
    bottom = "At small K the kept tokens concentrate at the bottom of the image."
    recovers = "Removing RoPE from the score recovers localization."
    assert (there[bottom].verdict, back[bottom].verdict) == (MATCHES, DIFFERS)
    assert "towards the bottom of the image" in there[bottom].here
    assert "towards the top of the image" in back[bottom].here
    assert (there[recovers].verdict, back[recovers].verdict) == (MATCHES, DIFFERS)
    fades = "The concentration is less at later layers."
    assert "no concentration that could fade" in back[fades].here
    assert "no concentration" not in there[fades].here and back[fades].verdict == DIFFERS
    assert "locates better than" in there[recovers].here
    assert "locates worse than" in back[recovers].here


def test_rotated_scores_that_pull_are_uneven_by_row():
    claim = "RoPE in the score makes the choice depend on the row (implied, not measured)."
    assert by_claim(tables(4.0, True))[claim].verdict == MATCHES


def test_no_bias_is_undecided():
    found = by_claim(tables(0.0, True))
    finding = found["At small K the kept tokens concentrate at the bottom of the image."]
    assert finding.verdict == OPEN and "not to be told from no bias" in finding.here


def test_numbers_in_words_are_those_of_the_table():
    study = tables(4.0, True)
    rows = study["mean_kept_row"].set_index(["layer", "variant", "measure"])
    finding = findings(study)[0]
    assert number(rows.loc[(1, "rope", "mean_row")]) in finding.here


def test_claims_without_results_are_not_tested():
    assert [f.verdict for f in findings({})] == [UNTESTED] * len(CLAIMS)


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


@pytest.fixture
def page(tmp_path):
    png = tmp_path / "mean_kept_row.png"
    png.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (500).to_bytes(4) * 2)
    files = {}
    for name, table in tables(4.0, True).items():
        files[name] = tmp_path / f"{name}.csv"
        table.to_csv(files[name], index=False)
    report.write(
        tmp_path / "report.html", "tiny <study>", {"mean_kept_row": png}, files,
        {"mean_kept_row": "A title.\n\nHow to read it."}, {"seed": 7, "versions": {"numpy": "2"}},
        TEMPLATE,
    )  # fmt: skip
    return (tmp_path / "report.html").read_text()


def test_page_is_self_contained(page):
    links = Links(page)
    assert len(links.fetched) == 1 and links.fetched[0].startswith("data:image/png;base64,")


def test_page_says_findings_captions_and_provenance(page):
    text = Links(page).text
    for part in ("A title.", "How to read it.", "numpy 2", "seed", "tiny <study>"):
        assert part in text
    for finding in findings(tables(4.0, True)):
        assert finding.here in text
    assert "Not tested:" in text


def test_values_share_a_cell_with_their_spread():
    table = pd.DataFrame({"method": ["fastv-k1"], "value": [0.5], "low": [0.4], "high": [0.6]})
    table = table.assign(**{"other": 1.0, "other low": np.nan, "other high": np.nan})
    html = report.to_html(table.assign(ms=12.0, ms_q25=11.0, ms_q75=14.0))
    for cell in ("FastV, K = 1", "0.500 [0.400, 0.600]", "1.000<", "12.0 [11.0, 14.0]"):
        assert cell in html
    assert "low" not in html and "q25" not in html


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"gone\.csv: no such table"):
        report.write(tmp_path / "p.html", "s", {}, {"a": tmp_path / "gone.csv"}, {}, {}, TEMPLATE)
    with pytest.raises(InputError, match=r"gone\.png: no such figure"):
        report.write(tmp_path / "p.html", "s", {"a": tmp_path / "gone.png"}, {}, {}, {}, TEMPLATE)
