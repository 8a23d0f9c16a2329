"""Criterion: density peaks of the vision tower's features, tokens that stand for many others."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import LongTensor, Tensor

from prunescope.criteria.base import Selection
from prunescope.criteria.drawing import Drawing
from prunescope.errors import InputError

JITTER = 1e-6  # largest number that is added to a density, so that none are equal


@dataclass(frozen=True)
class Knn(Drawing):
    """DPC-KNN, FEATHER's phi_KNN (arXiv 2412.13180, section 4.2; the clustering of Chat-UniVi).

    Features (b, n, dim) -> scores (b, n), density * delta. With d the Euclidean distance of two
    features divided by sqrt(dim), the density of a token is exp(-mean d^2) over its `neighbours`
    nearest tokens, itself among them, plus a random number below 1e-6. Delta is the distance to the
    nearest denser token; for the densest it is the largest distance of all. Tokens of all views
    count together. Computed in float64, so that devices agree.
    """

    name: ClassVar[str] = "knn"

    neighbours: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.neighbours < 1:
            raise InputError(f"neighbours must be at least 1, got {self.neighbours}")

    @property
    def needs(self) -> frozenset[str]:
        return super().needs | {"features"}

    def score(self, selection: Selection) -> Tensor:
        jitter = JITTER * self.draw(selection).double()
        scores = torch.zeros_like(jitter)
        for row in selection.present.any(1).nonzero()[:, 0].tolist():
            slots = selection.present[row]
            distances = self.distances(
                selection.features[row, slots].double(),
                selection.place[row, slots],
                selection.view[row, slots],
            )
            scores[row, slots] = density_peaks(distances, self.neighbours, jitter[row, slots])
        return scores.float()

    def distances(self, features: Tensor, place: LongTensor, view: LongTensor) -> Tensor:
        """(m, m) distances between the m tokens of an example; infinite between tokens that are
        no neighbours. features: (m, dim); place: (m, 2); view: (m,)."""
        return torch.cdist(features, features) / features.shape[-1] ** 0.5


def density_peaks(distances: Tensor, neighbours: int, jitter: Tensor) -> Tensor:
    """(m,) density * delta of each token.

    distances: (m, m), infinite between tokens that are no neighbours; jitter: (m,), added to the
    densities.
    """
    nearest = distances.topk(min(neighbours, len(distances)), largest=False).values
    exists = nearest.isfinite()
    mean = nearest.square().where(exists, 0).sum(1) / exists.sum(1)
    density = (-mean).exp() + jitter
    denser = density > density[:, None]  # (token, other)
    farthest = distances.where(distances.isfinite(), 0).max()
    delta = distances.where(denser, torch.inf).amin(1).clamp(max=farthest)
    return density * delta
