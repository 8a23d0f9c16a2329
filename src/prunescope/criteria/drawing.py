"""Seeded random numbers for visual tokens."""

from dataclasses import dataclass

import torch
from torch import Tensor

from prunescope.criteria.base import Criterion, Selection
from prunescope.criteria.seeding import generator


@dataclass(frozen=True)
class Drawing(Criterion):
    """A criterion that draws a random number for each visual token.

    The draw depends on the seed and on the content of the example (its prompt and its pixels,
    bit by bit), not on the batch that it is in, and is made on the CPU: the same on every device,
    for the same dtype of the pixels. A token keeps its number through all stages.
    """

    seed: int = 0

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"content"})

    def draw(self, selection: Selection) -> Tensor:
        """(b, n) float32, uniform in [0, 1)."""
        size = int(selection.raster.max()) + 1 if selection.raster.numel() else 0
        # A longer draw begins with the shorter one, so that later stages see the same numbers.
        drawn = torch.stack(
            [torch.rand(size, generator=generator(self.seed, each)) for each in selection.content]
        )
        return drawn.to(selection.raster.device).gather(1, selection.raster)
