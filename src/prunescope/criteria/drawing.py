"""Random numbers for visual tokens, by seed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from prunescope.criteria.base import Criterion, Selection
from prunescope.criteria.seeding import generator


@dataclass(frozen=True)
class Drawing(Criterion):
    """A criterion that draws a random number for each visual token.

    Numbers depend on the seed and on the content of the example, the bits of its prompt and its
    pixels, and not on the batch. They are drawn on the CPU, and so equal on every device for pixels
    of one dtype. A token keeps its number through all stages.
    """

    seed: int = 0

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"content"})

    def draw(self, selection: Selection) -> Tensor:
        """(b, n) float32 numbers, uniform in [0, 1)."""
        size = int(selection.raster.max()) + 1 if selection.raster.numel() else 0
        # A longer draw begins with the shorter one, so that later stages see the same numbers.
        numbers = torch.stack(
            [
                torch.rand(size, generator=generator(self.seed, content))
                for content in selection.content
            ]
        )
        return numbers.to(selection.raster.device).gather(1, selection.raster)
