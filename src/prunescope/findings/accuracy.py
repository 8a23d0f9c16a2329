"""What the study says about accuracy, localization first."""

from collections.abc import Callable, Iterator

import pandas as pd

from prunescope.findings.words import DIFFERS, MATCHES, OPEN, Tables, points, verdict
from prunescope.plotting import family, style
from prunescope.statistics.accuracy import BASELINE, CONTRAST, LOCALIZATION, OTHER
from prunescope.statistics.boxes import CONTRAST as BOTTOM_MINUS_TOP

HARDLY = 0.05  # accuracy lost by the other tasks that still counts as hardly noticed


def _pairs(tables: Tables) -> pd.DataFrame:
    """Comparisons that the study names, other than with the unpruned model."""
    table = tables["differences"]
    return table[table["reference"] != BASELINE]


def _named_fastv(tables: Tables) -> list[str]:
    """FastV as the study compares it: in named pairs, or all of its variations."""
    pairs, table = _pairs(tables), tables["differences"]
    named = dict.fromkeys([*pairs["reference"], *pairs["method"]])
    return [m for m in named or dict.fromkeys(table["method"]) if family(m) == "fastv"]


def _against_unpruned(tables: Tables, group: str) -> Iterator[pd.Series]:
    table = tables["differences"]
    table = table[(table["reference"] == BASELINE) & (table["group"] == group)]
    for method in _named_fastv(tables):
        yield from (row for _, row in table[table["method"] == method].iterrows())


def localization(tables: Tables) -> Iterator[tuple[str, str]]:
    """FastV against the unpruned model: does localization lose more than the other tasks?"""
    rows = [_against_unpruned(tables, group) for group in (LOCALIZATION, OTHER, CONTRAST)]
    for located, other, contrast in zip(*rows, strict=False):  # none without other tasks
        yield (
            f"{style(contrast['method']).label} changes localization by {points(located)} and the "
            f"other tasks by {points(other)}; the difference of the two is {points(contrast)}.",
            verdict(contrast, sign=-1),
        )


def hardly_noticed(tables: Tables) -> Iterator[tuple[str, str]]:
    """FastV against the unpruned model: do the other tasks lose less than `HARDLY`?"""
    for row in _against_unpruned(tables, OTHER):
        judged = verdict(row, null=-HARDLY)
        than = {MATCHES: "less than", DIFFERS: "more than", OPEN: "not to be told from"}[judged]
        yield (
            f"{style(row['method']).label} changes the other tasks by {points(row)}: a loss of "
            f"{than} the {100 * HARDLY:.0f} points that we call hardly noticed.",
            judged,
        )


def better(method: str, reference: str) -> Callable[[Tables], Iterator[tuple[str, str]]]:
    """Localization of the named pairs of these families: the method should have more."""

    def judge(tables: Tables) -> Iterator[tuple[str, str]]:
        pairs = _pairs(tables)
        for _, row in pairs[pairs["group"] == LOCALIZATION].iterrows():
            if (family(row["method"]), family(row["reference"])) == (method, reference):
                yield _compared(row, tables), verdict(row)

    return judge


def _compared(row: pd.Series, tables: Tables) -> str:
    method, reference = (style(row[c]).label for c in ("method", "reference"))
    says = {MATCHES: "locates better than", DIFFERS: "locates worse than"}
    relation = says.get(verdict(row), "cannot be told in localization from")
    return f"{method} {relation} {reference}: {points(row)}.{_budget(row, tables)}"


def _budget(row: pd.Series, tables: Tables) -> str:
    if "methods_table" not in tables:
        return ""
    share = tables["methods_table"].set_index("method")["share"]
    method, reference = share[row["method"]], share[row["reference"]]
    if abs(method - reference) < 0.005:
        return f" Both see {method:.2f} of the visual tokens."
    return (
        f" The budgets are not matched: they see {method:.2f} and {reference:.2f} of the visual "
        "tokens."
    )


def height(tables: Tables) -> Iterator[tuple[str, str]]:
    """FastV: are targets at the bottom kept more often than those at the top?"""
    table = tables["vertical_position"]
    rows = table[table["band"] == BOTTOM_MINUS_TOP].set_index(["method", "measure"])
    fastv = [m for m in dict.fromkeys(table["method"]) if family(m) == "fastv"]
    named = _named_fastv(tables) if "differences" in tables else fastv
    for method in named:
        recall, accuracy = (rows.loc[(method, m)] for m in ("recall", "accuracy"))
        yield (
            f"With {style(method).label}, the share of the target's tokens that is kept is by "
            f"{points(recall)} different for targets in the lowest quarter of the image from those "
            f"in the highest, their accuracy by {points(accuracy)}.",
            verdict(recall),
        )
