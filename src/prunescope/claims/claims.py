"""The claims of FEATHER (arXiv 2412.13180), each as checks that a study's results pass or do not.

A claim is a statement and its parts, functions from the `Evidence` to checks; without the methods
that a part needs it has none. Every effect is turned so that the claim wants it above its bound,
but where the check says otherwise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from prunescope.claims import published, roles
from prunescope.claims.checks import Check, compare, compare_fairly
from prunescope.claims.evidence import Evidence
from prunescope.claims.published import Published, Row
from prunescope.claims.verdicts import WITHIN
from prunescope.statistics.accuracy import BASELINE, CONTRAST, LOCALIZATION, OTHER

UNPRUNED = Row("Table A2", "unpruned")
EARLY, LATER = {"K": "3", "R": "0.75"}, {"K": "8", "R": "0.75"}
FASTV = Row("Table A2", "fastv", **EARLY)
NO_NUMBERS = Published("shown, no numbers", "Figure 3")


Part = Callable[[Evidence, pd.DataFrame], Iterator[Check]]


@dataclass(frozen=True)
class Claim:
    """statement: what the paper says; parts: each must be checked for it to hold; needs: methods,
    in words; most: whether most of the checks decide, in the place of all."""

    statement: str
    parts: Mapping[str, Part]
    needs: str
    most: bool = False


def localization_suffers(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What FastV at the early depth costs localization more than the other tasks (Table A2)."""
    shown = published.difference(paper, UNPRUNED, FASTV, CONTRAST)
    for fastv in study.single("fastv", study.settings["early"]):
        bound = study.settings["far_more"]
        yield compare(study, BASELINE, fastv, CONTRAST, bound, shown, note=study.left_out)


def kept_at_the_bottom(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """How far below the middle kept tokens lie, early (Figure 3)."""
    early = study.settings["early"]
    row = Row("Figure 3b", "fastv", **EARLY)
    found = published.value(paper, row, "mean height of kept tokens") / 100 - 0.5
    shown = Published(f"{found:+.3f} of the height", "Figure 3b: fastv (K 3, R 0.75)")
    measure = f"mean height of kept tokens at K = {study.layer(early)}, above the middle"
    effect = study.mean(study.heights(early, "rope") - 0.5)
    yield Check(measure, effect, "height", study.settings["lean"], shown)


def less_so_later(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """How much further down they lie early than later (Figure 3)."""
    depths = [study.settings[when] for when in ("early", "later")]
    early, later = (study.heights(depth, "rope") for depth in depths)
    layers = " minus ".join(f"K = {study.layer(depth)}" for depth in depths)
    measure = f"mean height of kept tokens, {layers}"
    yield Check(measure, study.mean(early - later), "height", study.settings["lean"], NO_NUMBERS)


def rope_lowers(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What leaving RoPE out of the score does to that height: it lies in the middle, neither below
    nor above."""
    lean, early = study.settings["lean"], study.settings["early"]
    rope, without = (study.heights(early, variant) for variant in ("rope", "norope"))
    moved, left = study.mean(rope - without), study.mean(without - 0.5)
    where = f"mean height of kept tokens at K = {study.layer(early)}"
    yield Check(f"{where}, with RoPE minus without", moved, "height", lean, NO_NUMBERS)
    middle = f"{where} without RoPE, above the middle"
    yield Check(middle, left, "height", lean, NO_NUMBERS, WITHIN)


def localization_recovers(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What leaving RoPE out of the score does to localization (Table 1)."""
    for when, numbers in (("early", EARLY), ("later", LATER)):
        rows = (Row("Table 1", name, **numbers) for name in ("fastv-norope", "fastv"))
        shown = published.difference(paper, *rows, LOCALIZATION)
        for method in study.single("fastv-norope", study.settings[when]):
            for fastv in study.closest(method, study.single("fastv", study.settings[when])):
                yield compare_fairly(study, method, fastv, shown)


def others_do_not_notice(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FastV against dropping the same tokens before any layer sees them, which changes accuracy
    neither way (Figure 4)."""
    shown = Published("no difference to be seen in 8 tasks, no numbers", "Figure 4")
    for fastv in study.single("fastv", study.settings["early"]):
        for replay in study.replays(fastv):
            for task in study.tasks(OTHER):
                bound, note = study.settings["hardly"], study.left_out
                yield compare(study, fastv, replay, task, bound, shown, wanted=WITHIN, note=note)


def later_selects_better(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What each depth selects, given to the language model from its first layer (Table 2)."""
    sources = (study.single("fastv-norope", study.settings[w]) for w in ("early", "later"))
    early, later = ([m for each in found for m in study.replays(each)] for found in sources)
    rows = (Row("Table 2", "fastv-norope-before-llm", **n) for n in (LATER, EARLY))
    shown = published.difference(paper, *rows, LOCALIZATION)
    for method in later:
        for other in study.closest(method, early):
            yield compare_fairly(study, method, other, shown)


def later_finds_more(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What each depth selects of the tokens that the question is about (Figures A2 and A3)."""
    depths = [study.settings[when] for when in ("later", "early")]
    later, early = (study.recalls(depth, "norope") for depth in depths)
    layers = " minus ".join(f"K = {study.layer(depth)}" for depth in depths)
    measure = f"share of the true box's tokens kept without RoPE, {layers}"
    shown = Published("masks of single examples", "Figures A2 and A3")
    yield Check(measure, study.mean(later - early), "recall", study.settings["smallest"], shown)


def a_grid_adds(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """A uniform grid in union with the score at the R that is judged, against the score alone at
    the R that comes closest to the union's budget (Table 1)."""
    for when, numbers in (("early", EARLY), ("later", LATER)):
        rows = (Row("Table 1", name, **numbers) for name in ("ensemble", "fastv-norope"))
        shown = published.difference(paper, *rows, LOCALIZATION)
        shown = Published(f"{shown.text}, budgets not matched", shown.source)
        depth = study.settings[when]
        for method in study.single("ensemble", depth):
            for reference in study.closest(method, study.kind("fastv-norope", [depth])):
                yield compare_fairly(study, method, reference, shown)


def beats_fastv(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FEATHER at the two budgets of Table A2, against FastV at the early depth."""
    rivals = study.kind("fastv", [study.settings["early"]])
    for feather, remove in (("0.7", "0.75"), ("0.4", "0.5")):
        row = Row("Table A2", "fastv", "3", remove)
        yield from _beats(study, paper, feather, row, rivals)


def beats_pyramiddrop(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """The same against PyramidDrop."""
    for remove in ("0.7", "0.4"):
        row = Row("Table A2", "pyramiddrop", "8+16+24", remove)
        yield from _beats(study, paper, remove, row, study.kind("pyramiddrop"))


def _beats(
    study: Evidence, paper: pd.DataFrame, remove: str, row: Row, rivals: Sequence[str]
) -> Iterator[Check]:
    """FEATHER at this R against the rival of the closest budget; row: the rival's, published."""
    feather = Row("Table A2", "feather", "8+16", remove)
    shown = published.difference(paper, feather, row, LOCALIZATION)
    depths = [k / study.depth for k in roles.layers(study.role("feather"), study.depth)]
    for method in study.removing(float(remove), study.kind("feather", depths)):
        for rival in study.closest(method, rivals):
            yield compare_fairly(study, method, rival, shown)


def positions_are_essential(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What localization loses when visual tokens exchange positions (Table A3)."""
    rows = (Row("Table A3", name) for name in ("unpruned", "position-shuffle"))
    shown = published.difference(paper, *rows, LOCALIZATION)
    for shuffled in study.kind("position-shuffle"):
        bound = study.settings["far_more"]
        yield compare(study, BASELINE, shuffled, LOCALIZATION, bound, shown)


CLAIMS = (
    Claim(
        "Early pruning harms localization far more than the other tasks.",
        {"localization": localization_suffers},
        "FastV at the early depth, localization and other tasks",
    ),
    Claim(
        "The tokens that attention keeps lie at the bottom of the image at small K, less so later.",
        {"early": kept_at_the_bottom, "later": less_so_later},
        "attention scores",
    ),
    Claim(
        "Without RoPE in the score the concentration is gone and localization recovers.",
        {"height": rope_lowers, "localization": localization_recovers},
        "FastV with and without RoPE at one depth, attention scores",
    ),
    Claim(
        "Most other tasks do not notice when no layer sees the tokens that early pruning removes.",
        {"other tasks": others_do_not_notice},
        "FastV at the early depth and its replay before the language model",
        most=True,
    ),
    Claim(
        "Later layers select better.",
        {"answers": later_selects_better, "boxes": later_finds_more},
        "score without RoPE, replayed before the language model, at both depths; true boxes",
    ),
    Claim(
        "A uniform grid adds to the score when as many tokens are kept.",
        {"localization": a_grid_adds},
        "score with grid, and the score alone at the same depth",
    ),
    Claim(
        "FEATHER locates better than FastV and PyramidDrop at the same budget.",
        {"FastV": beats_fastv, "PyramidDrop": beats_pyramiddrop},
        "FEATHER, FastV at the early depth, PyramidDrop",
    ),
    Claim(
        "Localization needs the tokens' positions.",
        {"localization": positions_are_essential},
        "all tokens with shuffled positions",
    ),
)
