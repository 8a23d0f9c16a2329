"""The claims of FEATHER (arXiv 2412.13180), each as checks that a study's results pass or fail.

Thresholds are the key `claims` of the study's file; study.schema.yaml gives a reason for each. A
claim is a statement and its parts: functions from the `Evidence` to checks, none where the study
lacks the methods. The sign of an effect is chosen so that the claim wants it above its bound,
unless the check says `WITHIN`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from prunescope.claims import published, roles
from prunescope.claims.checks import Check, compare, compare_matched
from prunescope.claims.evidence import Evidence
from prunescope.claims.published import Published, Row
from prunescope.claims.verdicts import WITHIN
from prunescope.method_names import BASELINE
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, OTHER

UNPRUNED = Row("Table A2", "unpruned")
EARLY, LATER = {"K": "3", "R": "0.75"}, {"K": "8", "R": "0.75"}  # the paper's settings
FASTV = Row("Table A2", "fastv", **EARLY)
NO_NUMBERS = Published("shown, no numbers", "Figure 3")

POSITION = "Vertical position of kept tokens (0 top, 1 bottom)"
MIDDLE = 0.5  # mean vertical position of a choice at random

Part = Callable[[Evidence, pd.DataFrame], Iterator[Check]]


@dataclass(frozen=True)
class Claim:
    """A statement of the paper.

    parts: every one must hold; needs: the methods that they need, in words; by_majority:
    whether the majority of checks decides, instead of all of them.
    """

    statement: str
    parts: Mapping[str, Part]
    needs: str
    by_majority: bool = False


def localization_suffers(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FastV at the early depth costs localization more than the other tasks (Table A2)."""
    published_value = published.difference(paper, UNPRUNED, FASTV, CONTRAST)
    for fastv in evidence.single_stage("fastv", evidence.early):
        bound, note = evidence.thresholds.min_extra_loss, evidence.left_out
        yield compare(evidence, BASELINE, fastv, CONTRAST, bound, published_value, note=note)


def kept_at_the_bottom(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """At the early depth kept tokens lie below the middle of the image (Figure 3)."""
    row = Row("Figure 3b", "fastv", **EARLY)
    shift = published.value(paper, row, "mean height of kept tokens") / 100 - MIDDLE
    published_value = Published(
        f"{shift:+.3f} of the image height", "Figure 3b: fastv (K 3, R 0.75)"
    )
    measure = f"{POSITION}: K = {evidence.layer(evidence.early)} minus the middle of the image"
    effect = evidence.mean(evidence.vertical_positions(evidence.early, "rope") - MIDDLE)
    yield Check(measure, effect, "height", evidence.thresholds.min_position_shift, published_value)


def less_so_later(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """Kept tokens lie further down at the early depth than at the later one (Figure 3)."""
    depths = evidence.early, evidence.later
    early, later = (evidence.vertical_positions(depth, "rope") for depth in depths)
    measure = f"{POSITION}: {_layers(evidence, depths)}"
    bound = evidence.thresholds.min_position_shift
    yield Check(measure, evidence.mean(early - later), "height", bound, NO_NUMBERS)


def rope_lowers(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """RoPE in the score moves kept tokens down; without it they lie in the middle (Figure 3)."""
    bound = evidence.thresholds.min_position_shift
    positions = (evidence.vertical_positions(evidence.early, v) for v in ("rope", "norope"))
    with_rope, without = positions
    at_layer = f"{POSITION} at K = {evidence.layer(evidence.early)}"
    moved = evidence.mean(with_rope - without)
    yield Check(f"{at_layer}: with RoPE minus without", moved, "height", bound, NO_NUMBERS)
    measure = f"{at_layer}: without RoPE minus the middle of the image"
    offset_without = evidence.mean(without - MIDDLE)
    yield Check(measure, offset_without, "height", bound, NO_NUMBERS, WITHIN)


def localization_recovers(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """A score without RoPE locates better than one with it (Table 1)."""
    for depth, numbers in ((evidence.early, EARLY), (evidence.later, LATER)):
        rows = (Row("Table 1", name, **numbers) for name in ("fastv-norope", "fastv"))
        published_value = published.difference(paper, *rows, LOCALIZATION)
        for method in evidence.single_stage("fastv-norope", depth):
            for fastv in evidence.closest_budget(method, evidence.single_stage("fastv", depth)):
                yield compare_matched(evidence, method, fastv, published_value)


def others_do_not_notice(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FastV answers other tasks as if its tokens were dropped before any layer saw them
    (Figure 4)."""
    published_value = Published("no difference to be seen in 8 tasks, no numbers", "Figure 4")
    bound = evidence.thresholds.max_unnoticed_loss
    for fastv in evidence.single_stage("fastv", evidence.early):
        for replay in evidence.replays_of(fastv):
            for task in evidence.tasks(OTHER):
                yield compare(
                    evidence, fastv, replay, task, bound, published_value,
                    wanted=WITHIN, note=evidence.left_out,
                )  # fmt: skip


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


def later_finds_more(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """The later depth keeps more of the tokens that the question is about (Figures A2, A3)."""
    depths = evidence.later, evidence.early
    later, early = (evidence.box_recalls(depth, "norope") for depth in depths)
    measure = f"Share of the true box's tokens kept without RoPE: {_layers(evidence, depths)}"
    published_value = Published("masks of single examples", "Figures A2 and A3")
    bound = evidence.thresholds.min_accuracy_difference
    yield Check(measure, evidence.mean(later - early), "recall", bound, published_value)


def a_grid_adds(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """The union of score and uniform grid locates better than the score alone at the R that comes
    closest to the union's budget (Table 1)."""
    for depth, numbers in ((evidence.early, EARLY), (evidence.later, LATER)):
        rows = (Row("Table 1", name, **numbers) for name in ("ensemble", "fastv-norope"))
        published_value = published.difference(paper, *rows, LOCALIZATION)
        text = f"{published_value.text}, budgets not matched"
        published_value = replace(published_value, text=text)
        rivals = evidence.methods_of_kind("fastv-norope", [depth])
        for method in evidence.single_stage("ensemble", depth):
            for reference in evidence.closest_budget(method, rivals):
                yield compare_matched(evidence, method, reference, published_value)


def beats_fastv(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FEATHER locates better than FastV at the early depth, at two budgets (Table A2)."""
    rivals = evidence.methods_of_kind("fastv", [evidence.early])
    for feather, remove in (("0.7", "0.75"), ("0.4", "0.5")):
        row = Row("Table A2", "fastv", "3", remove)
        yield from _feather_beats(evidence, paper, feather, row, rivals)


def beats_pyramiddrop(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FEATHER locates better than PyramidDrop, at two budgets (Table A2)."""
    rivals = evidence.methods_of_kind("pyramiddrop")
    for remove in ("0.7", "0.4"):
        row = Row("Table A2", "pyramiddrop", "8+16+24", remove)
        yield from _feather_beats(evidence, paper, remove, row, rivals)


def _feather_beats(
    evidence: Evidence, paper: pd.DataFrame, remove: str, row: Row, rivals: Sequence[str]
) -> Iterator[Check]:
    """FEATHER with fraction `remove` against the rival of the closest budget; row: the published
    row of that rival."""
    feather = Row("Table A2", "feather", "8+16", remove)
    published_value = published.difference(paper, feather, row, LOCALIZATION)
    layers = roles.layers(evidence.role("feather"), evidence.depth)
    candidates = evidence.methods_of_kind("feather", [k / evidence.depth for k in layers])
    for method in evidence.removing(float(remove), candidates):
        for rival in evidence.closest_budget(method, rivals):
            yield compare_matched(evidence, method, rival, published_value)


def positions_are_essential(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """Localization loses when visual tokens exchange positions (Table A3)."""
    rows = (Row("Table A3", name) for name in ("unpruned", "position-shuffle"))
    published_value = published.difference(paper, *rows, LOCALIZATION)
    bound = evidence.thresholds.min_extra_loss
    for shuffled in evidence.methods_of_kind("position-shuffle"):
        yield compare(evidence, BASELINE, shuffled, LOCALIZATION, bound, published_value)


def _layers(evidence: Evidence, depths: Sequence[float]) -> str:
    """Depths as text, such as "K = 1 minus K = 3"."""
    return " minus ".join(f"K = {evidence.layer(depth)}" for depth in depths)


CLAIMS = (
    Claim(
        "Early pruning harms localization far more than the other tasks.",
        {"localization": localization_suffers},
        "FastV at the early depth, localization and other tasks",
    ),
    Claim(
        "At small K, attention keeps tokens at the bottom of the image; at larger K, less so.",
        {"early": kept_at_the_bottom, "later": less_so_later},
        "attention scores",
    ),
    Claim(
        "Without RoPE in the score, the concentration disappears and localization recovers.",
        {"height": rope_lowers, "localization": localization_recovers},
        "FastV with and without RoPE at one depth, attention scores",
    ),
    Claim(
        "Most other tasks do not notice when the tokens that FastV removes are dropped before "
        "the language model.",
        {"other tasks": others_do_not_notice},
        "FastV at the early depth and its replay before the language model",
        by_majority=True,
    ),
    Claim(
        "Later layers select better.",
        {"answers": later_selects_better, "boxes": later_finds_more},
        "score without RoPE, replayed before the language model, at both depths; true boxes",
    ),
    Claim(
        "Adding a uniform grid to the score helps when as many tokens are kept.",
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
