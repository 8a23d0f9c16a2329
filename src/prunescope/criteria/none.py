"""No visual token at all."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import BoolTensor

from prunescope.criteria.base import Selection, SetCriterion


@dataclass(frozen=True)
class Nothing(SetCriterion):
    """Keep the text only: before layer 0, what a model answers that does not see the image.

    The control of FEATHER (arXiv 2412.13180, figure 4) for questions that need no image. The text
    keeps the positions that it has behind the image, unless a stage says otherwise.
    """

    name: ClassVar[str] = "none"

    def members(self, selection: Selection) -> BoolTensor:
        return torch.zeros_like(selection.present)
