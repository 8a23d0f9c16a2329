"""Criterion that keeps every s-th row and column of each view."""

from dataclasses import dataclass
from typing import ClassVar

from torch import BoolTensor

from prunescope.criteria.base import Selection, SetCriterion
from prunescope.errors import InputError


@dataclass(frozen=True)
class Uniform(SetCriterion):
    """Keep a regular grid of tokens, `[offset::stride, offset::stride]` of each view.

    FEATHER's phi_uniform (arXiv 2412.13180, section 4.2): of 27 x 27 tokens, stride 2 keeps 196 and
    stride 3 keeps 81. Views may be any rectangle.
    """

    name: ClassVar[str] = "uniform"

    stride: int
    offset: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride < 1:
            raise InputError(f"stride must be at least 1, got {self.stride}")
        if not 0 <= self.offset < self.stride:
            raise InputError(f"offset must lie in 0..{self.stride - 1}, got {self.offset}")

    def check(self, grid: tuple[int, int]) -> None:
        if self.stride > min(grid):  # an offset is smaller than the stride, and so fits too
            raise InputError(
                f"uniform: stride {self.stride} with offset {self.offset} does not fit "
                f"a grid of {grid[0]} x {grid[1]} tokens"
            )

    def members(self, selection: Selection) -> BoolTensor:
        steps = selection.place - self.offset
        return ((steps >= 0) & (steps % self.stride == 0)).all(-1)
