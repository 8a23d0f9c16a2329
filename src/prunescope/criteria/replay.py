"""Criterion that keeps the tokens that another method kept."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import BoolTensor

from prunescope.criteria.base import Selection, SetCriterion


@dataclass(frozen=True)
class Replay(SetCriterion):
    """Keep exactly the tokens that are given, by their raster indices.

    Before layer 0 it is FEATHER's control "pruning before the LLM" (arXiv 2412.13180, figure 4): no
    layer sees the other tokens. In a study, the tokens are those that the last stage of `method`
    kept of the same example; `prune` takes them as its argument `kept`.
    """

    name: ClassVar[str] = "replay"

    method: str

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"kept"})

    def members(self, selection: Selection) -> BoolTensor:
        rows = zip(selection.raster, selection.kept, strict=True)
        return torch.stack([torch.isin(raster, kept.to(raster)) for raster, kept in rows])
