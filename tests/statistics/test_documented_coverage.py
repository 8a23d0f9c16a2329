"""The page on statistics states the coverage that was measured."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEASURED = json.loads((ROOT / "benchmarks/results/coverage.json").read_text())["measured"]
PAGE = (ROOT / "docs/statistics.md").read_text()


def percentages(first_column, columns):
    """Rows of the page's table that begins with this head: the numbers of its last columns."""
    table = PAGE.split(f"\n| {first_column} |")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    return [[float(re.sub(" %$", "", cell)) for cell in row[-columns:]] for row in rows]


def rounded(cases, names):
    return [[float(f"{100 * case[name]:.1f}") for name in names] for case in cases]


def test_means_cover_as_the_page_says():
    names = ["mean", "difference", "by question"]
    assert percentages("images", 3) == rounded(MEASURED["cases"], names)


def test_distances_cover_as_the_page_says():
    names = ["total_variation", "kl"]
    assert percentages("cells", 2) == rounded(MEASURED["distances from uniform"], names)
