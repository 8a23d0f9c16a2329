"""Criterion that keeps any number of tokens, evenly spread over each view."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from prunescope.criteria.base import Criterion, Selection

STEPS = (
    49472,
    37345,
)  # by row and by column, 1 / p and 1 / p**2 in units of 2**-16, where p**3 = p + 1


@dataclass(frozen=True)
class Lattice(Criterion):
    """Keep tokens that lie evenly, as a uniform grid does, but any number of them.

    A control at the budget of another method, where no stride of a grid has that budget. Every
    token is a point on a circle: each row turns it by one irrational step, each column by another;
    the tokens on an arc stay. The steps of the plastic number p leave the smallest gaps (Roberts,
    The unreasonable effectiveness of quasirandom sequences, 2018). Scores (b, n) are computed in
    whole numbers, so that devices agree.
    """

    name: ClassVar[str] = "lattice"

    def score(self, selection: Selection) -> Tensor:
        steps = torch.tensor(STEPS, device=selection.place.device)
        return -((selection.place * steps).sum(-1) % 2**16).float()
