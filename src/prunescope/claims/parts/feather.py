"""Parts of claims about FEATHER: against its rivals, and against its own stages.

FEATHER is a schedule: two stages, at layers 8 and 16 of 32. Whether a stage comes too early depends
on where a model reads its image, so the same checks are made at the paper's layers and at those
that a study names for the same place on the model's reading curve.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pandas as pd

from prunescope.claims import published
from prunescope.claims.checks import Check, compare_matched
from prunescope.claims.evidence import Evidence
from prunescope.claims.published import NO_ROWS, Row
from prunescope.errors import InputError
from prunescope.statistics.accuracy import LOCALIZATION

LAYERS = (8, 16)  # of 32

Choice = Callable[[Evidence, str], list[str]]  # methods of the study that play a role


def at_the_papers_layers(evidence: Evidence, role: str) -> list[str]:
    """Methods of the study that play a role; FEATHER at the paper's layers."""
    depths = [evidence.paper_layer(layer) for layer in LAYERS] if role == "feather" else []
    on_curve = evidence.thresholds.reading_curve_methods
    return [n for n in evidence.methods_of_kind(role, depths) if depths or n not in on_curve]


def on_the_reading_curve(evidence: Evidence, role: str) -> list[str]:
    """Methods that the study names for the reading curve; of a rival that it does not name there,
    those at the paper's layers. InputError if it names methods, but not FEATHER."""
    on_curve = evidence.thresholds.reading_curve_methods
    if named := _named(evidence, role):
        return named
    if on_curve and role == "feather":
        raise InputError(f"claims.reading_curve_methods: none of {list(on_curve)} is FEATHER")
    return at_the_papers_layers(evidence, role) if on_curve else []


def _named(evidence: Evidence, role: str) -> list[str]:
    on_curve = evidence.thresholds.reading_curve_methods
    return [name for name in evidence.methods_of_kind(role) if name in on_curve]


def beats_fastv(
    evidence: Evidence, paper: pd.DataFrame, choice: Choice = at_the_papers_layers
) -> Iterator[Check]:
    """FEATHER locates better than FastV at the early depth, at two budgets (Table A2)."""
    rivals = evidence.methods_of_kind("fastv", [evidence.early])
    for feather, remove in (("0.7", "0.75"), ("0.4", "0.5")):
        row = Row("Table A2", "fastv", "3", remove)
        methods = evidence.removing(float(feather), choice(evidence, "feather"))
        yield from _beats(evidence, paper, feather, methods, row, rivals)


def beats_pyramiddrop(
    evidence: Evidence, paper: pd.DataFrame, choice: Choice = at_the_papers_layers
) -> Iterator[Check]:
    """FEATHER locates better than PyramidDrop, at two budgets (Table A2)."""
    rivals = choice(evidence, "pyramiddrop")
    for remove in ("0.7", "0.4"):
        row = Row("Table A2", "pyramiddrop", "8+16+24", remove)
        methods = evidence.removing(float(remove), choice(evidence, "feather"))
        yield from _beats(evidence, paper, remove, methods, row, rivals)


def _beats(
    evidence: Evidence,
    paper: pd.DataFrame,
    remove: str,
    methods: Sequence[str],
    row: Row,
    rivals: Sequence[str],
) -> Iterator[Check]:
    """Each method against the rival of the closest budget.

    remove: R of the published row of FEATHER; row: the published row of the rival.
    """
    feather = Row("Table A2", "feather", "8+16", remove)
    published_value = published.difference(paper, feather, row, LOCALIZATION)
    for method in methods:
        for rival in evidence.closest_budget(method, rivals):
            yield compare_matched(evidence, method, rival, published_value)


def beats_a_choice_without_score(
    evidence: Evidence, paper: pd.DataFrame, role: str, choice: Choice = at_the_papers_layers
) -> Iterator[Check]:
    """FEATHER locates better than a lattice or a random choice (the role) at the early depth, at
    the same budget."""
    rivals = evidence.methods_of_kind(role, [evidence.early])
    for method in choice(evidence, "feather"):
        for rival in evidence.same_budget(method, rivals):
            yield compare_matched(evidence, method, rival, NO_ROWS)


def beats_stage(evidence: Evidence, paper: pd.DataFrame, index: int) -> Iterator[Check]:
    """FEATHER locates better than one of its stages alone, as that is and at FEATHER's budget."""
    methods = [*at_the_papers_layers(evidence, "feather"), *_named(evidence, "feather")]
    for method in dict.fromkeys(methods):
        alone = evidence.stage_alone(method, index)
        as_it_is = evidence.keeping_as(method, index, alone)
        for rival in dict.fromkeys([*as_it_is, *evidence.same_budget(method, alone)]):
            yield compare_matched(evidence, method, rival, NO_ROWS)


RIVALS = {
    "FastV": beats_fastv,
    "PyramidDrop": beats_pyramiddrop,
    "lattice": partial(beats_a_choice_without_score, role="lattice"),
    "random": partial(beats_a_choice_without_score, role="random"),
}
RIVALS_ON_CURVE = {
    name: partial(part, choice=on_the_reading_curve) for name, part in RIVALS.items()
}
STAGES = {
    "first stage": partial(beats_stage, index=0),
    "second stage": partial(beats_stage, index=1),
}
