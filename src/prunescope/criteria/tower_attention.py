"""How much of the vision tower's own attention each token gets."""

from dataclasses import dataclass
from typing import ClassVar

from torch import BoolTensor, LongTensor, Tensor

from prunescope.criteria.base import Criterion, Selection, Sizes
from prunescope.errors import InputError


@dataclass(frozen=True)
class TowerAttention(Criterion):
    """Attention that a token's patch gets in the vision tower, which knows nothing of the question.

    FasterVLM (arXiv 2412.01818): from the class token, mean over heads, in the layer whose output
    the language model gets. A tower without a class token (SigLIP): from all patches on average,
    as FEATHER (arXiv 2412.13180, table A3) runs it. (b, n) -> scores (b, n).

    spread: of the tokens kept, the fraction that is no matter of the score but every step-th of
    the tokens that the score leaves, for what the score does not look at: the "contextual" tokens
    of VisionZip (arXiv 2412.04467), 10 of 64 there, besides the "dominant" ones. VisionZip then
    adds to each of them the mean of the tokens that are most like it; here nothing is merged, they
    stand for themselves. Both methods number the tokens anew: `positions: compact`.
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
    """(b, n) the first `counts[i]` of every step-th True of each row, steps as wide as they fit."""
    step = (rest.sum(1) // counts.clamp(min=1)).clamp(min=1)[:, None]
    number = rest.cumsum(1) - 1
    return rest & (number % step == 0) & (number // step < counts[:, None])
