"""Parts of claims about selections: which score, layer or grid locates better."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pandas as pd

from prunescope.claims import published
from prunescope.claims.checks import Check, compare_matched
from prunescope.claims.evidence import Evidence
from prunescope.claims.published import EARLY, LATER, NO_ROWS, Published, Row
from prunescope.statistics.accuracy import LOCALIZATION


def localization_recovers(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """A score without RoPE locates better than one with it (Table 1)."""
    for depth, numbers in ((evidence.early, EARLY), (evidence.later, LATER)):
        rows = (Row("Table 1", name, **numbers) for name in ("fastv-norope", "fastv"))
        published_value = published.difference(paper, *rows, LOCALIZATION)
        for method in evidence.single_stage("fastv-norope", depth):
            for fastv in evidence.closest_budget(method, evidence.single_stage("fastv", depth)):
                yield compare_matched(evidence, method, fastv, published_value)


def later_selects_better(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """Replayed before the language model, the later depth's selection locates better than the early
    one's (Table 2)."""
    sources = (evidence.single_stage("fastv-norope", d) for d in (evidence.early, evidence.later))
    early, later = ([m for name in names for m in evidence.replays_of(name)] for names in sources)
    rows = (Row("Table 2", "fastv-norope-before-llm", **n) for n in (LATER, EARLY))
    published_value = published.difference(paper, *rows, LOCALIZATION)
    for method in later:
        for rival in evidence.closest_budget(method, early):
            yield compare_matched(evidence, method, rival, published_value)


def a_grid_adds(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """The union of score and uniform grid locates better than the score alone at the R that comes
    closest to the union's budget (Table 1)."""
    for depth, numbers in ((evidence.early, EARLY), (evidence.later, LATER)):
        alone = Row("Table 1", "fastv-norope", **numbers)
        published_value = _union_beats(paper, numbers, alone)
        rivals = evidence.methods_of_kind("fastv-norope", [depth])
        for method in evidence.single_stage("ensemble", depth):
            for reference in evidence.closest_budget(method, rivals):
                yield compare_matched(evidence, method, reference, published_value)


def the_score_adds(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """The union of score and uniform grid locates better than a grid alone that keeps no more
    tokens (Table 1), and than an even lattice of as many."""
    for depth, numbers in ((evidence.early, EARLY), (evidence.later, LATER)):
        published_value = _union_beats(paper, numbers, Row("Table 1", "uniform", numbers["K"]))
        grids, lattices = (evidence.methods_of_kind(r, [depth]) for r in ("uniform", "lattice"))
        for method in evidence.single_stage("ensemble", depth):
            for grid in evidence.closest_budget(method, evidence.no_larger(method, grids)):
                yield compare_matched(evidence, method, grid, published_value)
            for lattice in evidence.same_budget(method, lattices):
                yield compare_matched(evidence, method, lattice, NO_ROWS)


def _union_beats(paper: pd.DataFrame, numbers: Mapping[str, str], rival: Row) -> Published:
    union = Row("Table 1", "ensemble", **numbers)
    published_value = published.difference(paper, union, rival, LOCALIZATION)
    return replace(published_value, text=f"{published_value.text}, budgets not matched")
