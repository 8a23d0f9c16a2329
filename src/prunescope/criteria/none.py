"""Criterion that keeps no visual tokens."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import BoolTensor

from prunescope.criteria.base import Selection, SetCriterion


@dataclass(frozen=True)
class Nothing(SetCriterion):
    """Keep only the text; before layer 0, the model answers without the image.

    The control of FEATHER (arXiv 2412.13180, figure 4) for questions that need no image. The text
    keeps the positions that it has after the image, unless the stage renumbers them.
    """

    name: ClassVar[str] = "none"

    def members(self, selection: Selection) -> BoolTensor:
        return torch.zeros_like(selection.present)
