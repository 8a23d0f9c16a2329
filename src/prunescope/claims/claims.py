"""The claims of FEATHER (arXiv 2412.13180), each as checks that a study's results pass or fail.

Thresholds are the key `claims` of the study's file; study.schema.yaml gives a reason for each. A
claim is a statement and its parts (`parts`): functions from the `Evidence` to checks, none where
the study lacks the methods. The sign of an effect is chosen so that the claim wants it above its
bound, unless the check says `WITHIN`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from prunescope.claims.checks import Check
from prunescope.claims.evidence import Evidence
from prunescope.claims.parts import attention, feather, selection, tasks

READING_CURVE = "at the same place on the reading curve"
ALONE = "against each of its stages alone"

Part = Callable[[Evidence, pd.DataFrame], Iterator[Check]]


@dataclass(frozen=True)
class Claim:
    """A statement of the paper.

    parts: every one must hold; needs: the methods that they need, in words; by_majority:
    whether the majority of checks decides, instead of all of them; beside: more parts, by a title
    that says what they ask. These have a verdict of their own and do not change the claim's.
    """

    statement: str
    parts: Mapping[str, Part]
    needs: str
    by_majority: bool = False
    beside: Mapping[str, Mapping[str, Part]] = field(default_factory=dict)


CLAIMS = (
    Claim(
        "Early pruning harms localization far more than the other tasks.",
        {"localization": tasks.localization_suffers, "share": tasks.more_of_what_the_image_adds},
        "FastV at the early depth, text only, localization and other tasks",
    ),
    Claim(
        "At small K, attention keeps tokens at the bottom of the image; at larger K, less so.",
        {"early": attention.kept_at_the_bottom, "later": attention.less_so_later},
        "attention scores",
    ),
    Claim(
        "Without RoPE in the score, the concentration disappears and localization recovers.",
        {"height": attention.rope_lowers, "localization": selection.localization_recovers},
        "FastV with and without RoPE at one depth, attention scores",
    ),
    Claim(
        "Most other tasks do not notice when the tokens that FastV removes are dropped before "
        "the language model.",
        {"other tasks": tasks.others_do_not_notice},
        "FastV at the early depth and its replay before the language model",
        by_majority=True,
    ),
    Claim(
        "Later layers select better.",
        {"answers": selection.later_selects_better, "boxes": attention.later_finds_more},
        "score without RoPE, replayed before the language model, at both depths; true boxes",
    ),
    Claim(
        "The score and a uniform grid together locate better than either alone when as many "
        "tokens are kept.",
        {"localization": selection.a_grid_adds, "grid": selection.the_score_adds},
        "score with grid; the score alone, a grid alone or an even lattice at the same depth",
    ),
    Claim(
        "FEATHER locates better than FastV, PyramidDrop, an even lattice and a random choice at "
        "the same budget.",
        feather.RIVALS,
        "FEATHER, and at its budget FastV, a lattice and a random choice at the early depth; "
        "PyramidDrop",
        beside={READING_CURVE: feather.RIVALS_ON_CURVE, ALONE: feather.STAGES},
    ),
    Claim(
        "Localization needs the tokens' positions.",
        {"localization": tasks.positions_are_essential},
        "all tokens with shuffled positions",
    ),
    Claim(
        "Most other tasks hardly notice early pruning.",
        {"other tasks": tasks.others_hardly_notice},
        "FastV at the early depth, other tasks",
        by_majority=True,
    ),
)
