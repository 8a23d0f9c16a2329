"""Parts of claims that only attention scores decide: where the kept tokens lie."""

from collections.abc import Iterator, Sequence

import pandas as pd

from prunescope.claims import published
from prunescope.claims.checks import Check, Premise
from prunescope.claims.evidence import Evidence
from prunescope.claims.published import EARLY, Published, Row
from prunescope.claims.verdicts import ABOVE, WITHIN

NO_NUMBERS = Published("shown, no numbers", "Figure 3")
POSITION = "Vertical position of kept tokens (0 top, 1 bottom)"
MIDDLE = 0.5  # mean vertical position of a choice at random


def kept_at_the_bottom(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """At the early depth kept tokens lie below the middle of the image (Figure 3)."""
    row = Row("Figure 3b", "fastv", **EARLY)
    position = published.value(paper, row, "mean height of kept tokens") / 100
    published_value = Published(
        f"{position - MIDDLE:+.3f} of the image height ({position:.3f} against {MIDDLE:.3f})",
        "Figure 3b: fastv (K 3, R 0.75)",
    )
    measure = f"{POSITION}: K = {evidence.layer(evidence.early)} minus the middle of the image"
    effect = evidence.mean_difference(evidence.vertical_positions(evidence.early, "rope"), MIDDLE)
    yield Check(measure, effect, "height", evidence.thresholds.min_position_shift, published_value)


def less_so_later(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """Kept tokens lie further down at the early depth than at the later one (Figure 3)."""
    depths = evidence.early, evidence.later
    effect = evidence.mean_difference(*(evidence.vertical_positions(d, "rope") for d in depths))
    measure = f"{POSITION}: {_layers(evidence, depths)}"
    yield Check(measure, effect, "height", evidence.thresholds.min_position_shift, NO_NUMBERS)


def rope_lowers(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """RoPE in the score moves kept tokens down; without it they lie in the middle (Figure 3).

    Where they do not lie at the bottom with RoPE, there is nothing that could be removed.
    """
    bound = evidence.thresholds.min_position_shift
    with_rope, without = (
        evidence.vertical_positions(evidence.early, v) for v in ("rope", "norope")
    )
    at_layer = f"{POSITION} at K = {evidence.layer(evidence.early)}"
    premise = Premise(
        f"{at_layer}: with RoPE minus the middle of the image",
        evidence.mean_difference(with_rope, MIDDLE),
        "height",
        bound,
        "premise absent: with RoPE in the score, kept tokens do not lie at the bottom, so there is "
        "no concentration that could disappear",
    )
    moved = evidence.mean_difference(with_rope, without)
    offset = evidence.mean_difference(without, MIDDLE)
    for words, effect, wanted in (
        ("with RoPE minus without", moved, ABOVE),
        ("without RoPE minus the middle of the image", offset, WITHIN),
    ):
        measure = f"{at_layer}: {words}"
        yield Check(measure, effect, "height", bound, NO_NUMBERS, wanted, premises=(premise,))


def later_finds_more(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """The later depth keeps more of the tokens that the question is about (Figures A2, A3)."""
    depths = evidence.later, evidence.early
    effect = evidence.mean_difference(*(evidence.box_recalls(d, "norope") for d in depths))
    measure = f"Share of the true box's tokens kept without RoPE: {_layers(evidence, depths)}"
    published_value = Published("masks of single examples", "Figures A2 and A3")
    yield Check(
        measure, effect, "recall", evidence.thresholds.min_accuracy_difference, published_value
    )


def _layers(evidence: Evidence, depths: Sequence[float]) -> str:
    """Depths as text, such as "K = 1 minus K = 3"."""
    return " minus ".join(f"K = {evidence.layer(depth)}" for depth in depths)
