"""Criterion: density peaks of the vision tower's features among nearby tokens."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import LongTensor, Tensor

from prunescope.criteria.knn import Knn
from prunescope.errors import InputError


@dataclass(frozen=True)
class SpatialKnn(Knn):
    """DPC-KNN with distances weighted by how far apart two tokens lie in the image.

    After the idea of AiluRus (arXiv 2311.01197) that clusters hold tokens that lie together; the
    weights are this project's reading and may differ from its code. The distance from token i to
    token j is that of `knn` times `alpha + (1 - alpha) * rank / reach`. Rank is the place of j
    among the tokens of i's view, sorted by their distance from i on the grid; i has rank 0, ties go
    to the lower index. Beyond rank `reach`, and in other views, the distance is infinite. Density
    and delta follow from these distances as in `knn`; where no denser token is within reach, delta
    is the largest finite distance of the example. The defaults are this project's: 24 tokens
    surround the middle one of a block of 5 x 5.
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
        on_grid = (place[:, None] - place).square().sum(-1).double()  # (m, m), squared
        other_view = view[:, None] != view
        nearest_first = on_grid.masked_fill(other_view, torch.inf).argsort(dim=1, stable=True)
        rank = nearest_first.argsort(1)  # the inverse permutation: rank[i, j] of j seen from i
        weight = self.alpha + (1 - self.alpha) * rank / self.reach
        weighted = weight * super().distances(features, place, view)
        return weighted.masked_fill(other_view | (rank > self.reach), torch.inf)
