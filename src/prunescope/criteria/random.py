"""Chance, the control of every score."""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from prunescope.criteria.base import Criterion, Selection


@dataclass(frozen=True)
class Random(Criterion):
    """Score every token of the grid by a uniform random number.

    The draw depends on the seed and on the content of the example (its prompt and its pixels,
    bit by bit), not on the batch that it is in, and is made on the CPU: the same set on every
    device, for the same dtype of the pixels. A later stage sees the same numbers and so keeps
    a subset.
    """

    name: ClassVar[str] = "random"
    needs: ClassVar[frozenset[str]] = frozenset({"content"})

    seed: int = 0

    def score(self, selection: Selection) -> Tensor:
        rows, columns = selection.grid
        drawn = torch.stack([self._draw(each, rows * columns) for each in selection.content])
        return drawn.to(selection.raster.device).gather(1, selection.raster)

    def _draw(self, content: bytes, size: int) -> Tensor:
        digest = hashlib.blake2b(f"{self.seed}:".encode() + content, digest_size=8).digest()
        # torch takes seeds below 2 ** 63
        generator = torch.Generator().manual_seed(int.from_bytes(digest) >> 1)
        return torch.rand(size, generator=generator)
