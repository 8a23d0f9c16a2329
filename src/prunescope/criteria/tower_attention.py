"""Criterion: attention that each token receives in the vision tower."""

from dataclasses import dataclass
from typing import ClassVar

from torch import BoolTensor, LongTensor, Tensor

from prunescope.criteria.base import Criterion, Selection, Sizes
from prunescope.errors import InputError


@dataclass(frozen=True)
class TowerAttention(Criterion):
    """Attention that a token's patch receives in the vision tower, which does not see the question.

    FasterVLM (arXiv 2412.01818): attention from the class token, mean over heads, in the layer
    whose output the language model gets. In a tower without a class token (SigLIP) it is the mean
    over all patches, as FEATHER (arXiv 2412.13180, table A3) runs it. Scores are (b, n).

    spread: fraction of the kept tokens that is chosen without the score: every step-th of the
        tokens that the score leaves out. These are the "contextual" tokens of VisionZip (arXiv
        2412.04467), 10 of 64 there; those by score are its "dominant" ones. VisionZip adds to each
        contextual token the mean of the tokens most like it; here nothing is merged.

    Both methods number the tokens anew: `positions: compact`.
    """

    name: ClassVar[str] = "tower-attention"

    spread: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.spread < 1:
            raise InputError(f"spread must lie in [0, 1), got {self.spread}")

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"received"})

    def score(self, selection: Selection) -> Tensor:
        return selection.received

    def select(self, selection: Selection, counts: LongTensor) -> BoolTensor:
        contextual = (counts.double() * self.spread).long()
        dominant = super().select(selection, counts - contextual)
        return dominant | _every_step(selection.present & ~dominant, contextual)

    def flops(self, sizes: Sizes) -> int:
        return sizes.tower


def _every_step(rest: BoolTensor, counts: LongTensor) -> BoolTensor:
    """(b, n) True at every step-th token of `rest`, `counts[i]` of them in example i; the step is
    the widest that gives so many."""
    step = (rest.sum(1) // counts.clamp(min=1)).clamp(min=1)[:, None]
    number = rest.cumsum(1) - 1
    return rest & (number % step == 0) & (number // step < counts[:, None])
