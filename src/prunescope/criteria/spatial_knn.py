"""Density peaks of the vision tower's features among the tokens nearby."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import LongTensor, Tensor

from prunescope.criteria.knn import Knn
from prunescope.errors import InputError


@dataclass(frozen=True)
class SpatialKnn(Knn):
    """DPC-KNN with distances weighted by how far apart two tokens lie in the image.

    After the idea of AiluRus (arXiv 2311.01197), that clusters should be of tokens that lie
    together; the weights are our reading and may differ from its code. The distance from token i to
    token j is that of `knn` times `alpha + (1 - alpha) * rank / reach`, where rank is the place
    of j among the tokens of i's view sorted by their distance from i on the grid (i itself has
    rank 0; ties to the lower index); beyond rank `reach`, and in other views, it is infinite.
    Density and delta are those of `knn` with this distance. Density has the squared
    distance as in `knn`; where no denser token is within reach, delta is the largest finite
    distance of the example. The defaults are ours: 24 are the neighbours in a block of 5 x 5.
    """

    name: ClassVar[str] = "spatial-knn"

    alpha: float = 0.5
    reach: int = 24

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.alpha <= 1:
            raise InputError(f"alpha must lie in [0, 1], got {self.alpha}")
        if self.reach < 1:
            raise InputError(f"reach must be at least 1, got {self.reach}")

    def distances(self, features: Tensor, place: LongTensor, view: LongTensor) -> Tensor:
        apart = (place[:, None] - place).square().sum(-1).double()
        elsewhere = view[:, None] != view
        nearest_first = apart.masked_fill(elsewhere, torch.inf).argsort(dim=1, stable=True)
        rank = nearest_first.argsort(1)
        weight = self.alpha + (1 - self.alpha) * rank / self.reach
        weighted = weight * super().distances(features, place, view)
        return weighted.masked_fill(elsewhere | (rank > self.reach), torch.inf)
