"""Criterion that keeps every s-th row and column of each view."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import BoolTensor

from prunescope.criteria.base import Selection, SetCriterion
from prunescope.errors import InputError


@dataclass(frozen=True)
class Uniform(SetCriterion):
    """Keep a regular grid of tokens: every `stride`-th row and column of each view.

    FEATHER's phi_uniform (arXiv 2412.13180, section 4.2): of 27 x 27 tokens, stride 2 keeps 196 and
    stride 3 keeps 81. Views may be any rectangle.

    start: "corner" is FEATHER's `[::stride, ::stride]`. It leans to the top left wherever the
        stride leaves rows or columns over: of 12 rows, stride 3 keeps 0, 3, 6, 9. "centre" keeps
        as many rows and columns, and those left over are halved between both ends: 1, 4, 7, 10. If
        they are odd in number, one goes to the middle, so that the grid is its own mirror image:
        of 12 rows, stride 2 keeps 0, 2, 4, 7, 9, 11. Only where an odd number of rows is kept of an
        even number (1, 5, 10 of 12 at stride 4) is the middle one half a row above the centre.
    offset: first row and column that is kept; only for "corner".
    """

    name: ClassVar[str] = "uniform"

    stride: int
    start: Literal["centre", "corner"] = "centre"
    offset: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride < 1:
            raise InputError(f"stride must be at least 1, got {self.stride}")
        if not 0 <= self.offset < self.stride:
            raise InputError(f"offset must lie in 0..{self.stride - 1}, got {self.offset}")
        if self.offset and self.start != "corner":
            raise InputError(f"offset: only goes with start: corner, got start: {self.start}")

    def check(self, grid: tuple[int, int]) -> None:
        if self.stride > min(grid):  # an offset is smaller than the stride, and so fits too
            raise InputError(
                f"uniform: stride {self.stride} with offset {self.offset} does not fit "
                f"a grid of {grid[0]} x {grid[1]} tokens"
            )

    def members(self, selection: Selection) -> BoolTensor:
        if self.start == "centre":
            return self._centred(selection)
        steps = selection.place - self.offset
        return ((steps >= 0) & (steps % self.stride == 0)).all(-1)

    def _centred(self, selection: Selection) -> BoolTensor:
        # Distances from the centre in half cells, so that they are whole numbers: (b, n, 2).
        # Evenly spaced lines lie at `outermost`, 2 strides less, ... If an odd number of lines is
        # left over, these are no cells, and every line moves half a cell away from the centre.
        from_centre = 2 * selection.place + 1 - selection.shape
        outermost = (selection.shape - 1) // self.stride * self.stride
        moved = from_centre.abs() - (selection.shape - 1 - outermost) % 2
        on_line = (outermost - moved) % (2 * self.stride) == 0
        # A line at the centre could move either way; it moves towards the start.
        twin = (moved == 0) & (from_centre > 0)
        return (on_line & ~twin).all(-1)
