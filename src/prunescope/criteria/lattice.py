"""Evenly over each view, any number of tokens."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from prunescope.criteria.base import Criterion, Selection

STEPS = (49472, 37345)  # of a row and of a column, in 2**16ths: 1 / p and 1 / p**2, p**3 = p + 1


@dataclass(frozen=True)
class Lattice(Criterion):
    """Keep tokens that lie evenly, as a uniform grid does, but as many as are asked for.

    A control at the budget of another method, where no stride of a grid has it. Every token has a
    place on the circle that a row turns by one irrational step and a column by another, and an arc
    is kept: the plastic number's steps leave the smallest gaps (Roberts, The unreasonable
    effectiveness of quasirandom sequences, 2018). In whole numbers, so that devices agree.
    place (b, n, 2) -> scores (b, n).
    """

    name: ClassVar[str] = "lattice"

    def score(self, selection: Selection) -> Tensor:
        steps = torch.tensor(STEPS, device=selection.place.device)
        return -((selection.place * steps).sum(-1) % 2**16).float()
