"""The claims of FEATHER (arXiv 2412.13180), each as checks that a study's results pass or do not.

A claim is a statement and a function from the `Evidence` to its checks; without the methods that it
needs there are none. Every effect is turned so that the claim wants it above its bound, or below it
where it says `below`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from prunescope.findings import published
from prunescope.findings.checks import Check, compare, compare_fairly
from prunescope.findings.evidence import Evidence
from prunescope.findings.published import Published, Row
from prunescope.statistics.accuracy import BASELINE, CONTRAST, LOCALIZATION

UNPRUNED = Row("Table A2", "unpruned")
EARLY, LATER = {"K": "3", "R": "0.75"}, {"K": "8", "R": "0.75"}
FASTV = Row("Table A2", "fastv", **EARLY)
NO_NUMBERS = Published("shown, no numbers", "Figure 3")


@dataclass(frozen=True)
class Claim:
    """statement: what the paper says; checks: of it; needs: methods, in words; most: whether most
    of the checks decide, in the place of all."""

    statement: str
    checks: Callable[[Evidence, pd.DataFrame], Iterator[Check]]
    needs: str
    most: bool = False


def localization_suffers(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What FastV at the early depth costs localization more than the other tasks (Table A2)."""
    shown = published.difference(paper, UNPRUNED, FASTV, CONTRAST)
    for fastv in study.single("fastv", study.settings["early"]):
        yield compare(study, BASELINE, fastv, CONTRAST, study.settings["far_more"], shown)


def kept_at_the_bottom(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """How far below the middle kept tokens lie, early, and less so later (Figure 3)."""
    early, later = (study.heights(study.settings[when], "rope") for when in ("early", "later"))
    first, second = (study.layer(study.settings[when]) for when in ("early", "later"))
    row = Row("Figure 3b", "fastv", **EARLY)
    found = published.value(paper, row, "mean height of kept tokens") / 100 - 0.5
    shown = Published(f"{found:+.3f} of the height", "Figure 3b: fastv (K 3, R 0.75)")
    middle = f"mean height of kept tokens at K = {first}, above the middle"
    yield Check(middle, study.mean(early - 0.5), "height", study.settings["lean"], shown)
    less = f"mean height of kept tokens, K = {first} minus K = {second}"
    yield Check(less, study.mean(early - later), "height", 0.0, NO_NUMBERS)


def rope_is_the_cause(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What leaving RoPE out of the score does to that height and to localization (Table 1)."""
    lean, early = study.settings["lean"], study.settings["early"]
    rope, without = (study.heights(early, variant) for variant in ("rope", "norope"))
    moved, left = study.mean(rope - without), study.mean(without - 0.5)
    where = f"mean height of kept tokens at K = {study.layer(early)}"
    yield Check(f"{where}, with RoPE minus without", moved, "height", lean, NO_NUMBERS)
    middle = f"{where} without RoPE, above the middle"
    yield Check(middle, left, "height", lean, NO_NUMBERS, below=True)
    for when, numbers in (("early", EARLY), ("later", LATER)):
        rows = (Row("Table 1", name, **numbers) for name in ("fastv-norope", "fastv"))
        shown = published.difference(paper, *rows, LOCALIZATION)
        for method in study.single("fastv-norope", study.settings[when]):
            for fastv in study.closest(method, study.single("fastv", study.settings[when])):
                yield compare_fairly(study, method, fastv, shown)


def others_do_not_notice(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FastV against dropping the same tokens before any layer sees them (Figure 4)."""
    shown = Published("no difference to be seen in 8 tasks, no numbers", "Figure 4")
    for fastv in study.single("fastv", study.settings["early"]):
        for replay in study.replays(fastv):
            for task in study.other_tasks:
                bound = study.settings["hardly"]
                yield compare(study, fastv, replay, task, bound, shown, below=True)


def later_selects_better(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """What each depth selects, given to the language model from its first layer (Table 2)."""
    early, later = (study.single("fastv-norope", study.settings[w]) for w in ("early", "later"))
    rows = (Row("Table 2", "fastv-norope-before-llm", **n) for n in (LATER, EARLY))
    shown = published.difference(paper, *rows, LOCALIZATION)
    for source, reference in zip(early, later, strict=False):
        for method in study.replays(reference):
            for other in study.replays(source):
                yield compare_fairly(study, method, other, shown)
    yield _recalls_more(study)


def _recalls_more(study: Evidence) -> Check:
    depths = [study.settings[when] for when in ("later", "early")]
    later, early = (study.recalls(depth, "norope") for depth in depths)
    layers = " minus ".join(f"K = {study.layer(depth)}" for depth in depths)
    measure = f"share of the true box's tokens kept without RoPE, {layers}"
    shown = Published("masks of single examples", "Figures A2 and A3")
    return Check(measure, study.mean(later - early), "recall", study.settings["smallest"], shown)


def a_grid_adds(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """A uniform grid in union with the score, against the score alone (Table 1)."""
    for when, numbers in (("early", EARLY), ("later", LATER)):
        rows = (Row("Table 1", name, **numbers) for name in ("ensemble", "fastv-norope"))
        shown = published.difference(paper, *rows, LOCALIZATION)
        shown = Published(f"{shown.text}, budgets not matched", shown.source)
        depth = [study.settings[when]]
        for method in study.kind("ensemble", depth):
            for reference in study.closest(method, study.kind("fastv-norope", depth)):
                yield compare_fairly(study, method, reference, shown)


def feather_wins(study: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """At the two budgets of Table A2, against the closest budget of each rival."""
    depths = [stage["layer"] for stage in study.library["feather"]]
    rivals = {
        "fastv": ("3", study.kind("fastv", [study.settings["early"]])),
        "pyramiddrop": ("8+16+24", study.kind("pyramiddrop")),
    }
    for remove, removed in (("0.7", {"fastv": "0.75"}), ("0.4", {"fastv": "0.5"})):
        feather = Row("Table A2", "feather", "8+16", remove)
        for method in study.removing(float(remove), study.kind("feather", depths)):
            for name, (layers, methods) in rivals.items():
                row = Row("Table A2", name, layers, removed.get(name, remove))
                shown = published.difference(paper, feather, row, LOCALIZATION)
                for rival in study.closest(method, methods):
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
        localization_suffers,
        "FastV at the early depth, localization and other tasks",
    ),
    Claim(
        "The tokens that attention keeps lie at the bottom of the image at small K, less so later.",
        kept_at_the_bottom,
        "attention scores",
    ),
    Claim(
        "Without RoPE in the score the concentration is gone and localization recovers.",
        rope_is_the_cause,
        "FastV with and without RoPE at one depth",
    ),
    Claim(
        "Most other tasks do not notice when no layer sees the tokens that early pruning removes.",
        others_do_not_notice,
        "FastV at the early depth and its replay before the language model",
        most=True,
    ),
    Claim(
        "Later layers select better.",
        later_selects_better,
        "attention scores and true boxes",
    ),
    Claim(
        "A uniform grid adds to the score when as many tokens are kept.",
        a_grid_adds,
        "score with grid, and the score alone at the same depth",
    ),
    Claim(
        "FEATHER locates better than FastV and PyramidDrop at the same budget.",
        feather_wins,
        "FEATHER, FastV at the early depth, PyramidDrop",
    ),
    Claim(
        "Localization needs the tokens' positions.",
        positions_are_essential,
        "all tokens with shuffled positions",
    ),
)
