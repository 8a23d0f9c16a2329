"""What another method kept."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import BoolTensor

from prunescope.criteria.base import Selection, SetCriterion


@dataclass(frozen=True)
class Replay(SetCriterion):
    """Keep exactly the tokens that are given, by their raster indices.

    Before layer 0 it is FEATHER's control "pruning before the LLM" (arXiv 2412.13180, figure 4):
    a kept set that the layers before a stage did not see either. An evaluation replays what
    `method` of the same study kept of each example in its last stage; `prune` takes the indices
    as its argument `kept`.
    """

    name: ClassVar[str] = "replay"

    method: str

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"kept"})

    def members(self, selection: Selection) -> BoolTensor:
        rows = zip(selection.raster, selection.kept, strict=True)
        return torch.stack([torch.isin(raster, kept.to(raster)) for raster, kept in rows])
