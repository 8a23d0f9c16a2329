"""The tokens of a prompt that a run of decoder layers sees, before and after a stage."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import BoolTensor, LongTensor, Tensor

from prunescope.criteria import Selection
from prunescope.criteria.seeding import generator
from prunescope.models import Layout


@dataclass(frozen=True)
class Segment:
    """The tokens of a prompt that a run of decoder layers sees: b examples, s columns."""

    columns: LongTensor  # (b, s) columns in the whole prompt
    raster: LongTensor  # (b, s) index among the example's visual tokens, below 0 elsewhere
    valid: BoolTensor  # (b, s) False at padding
    positions: LongTensor  # (axes, b, s) position ids
    separators: BoolTensor | None = None  # (b, s) tokens of images that are not visual tokens
    whole: bool = True  # the prompt as the model has it; the fields below describe other segments
    padded: bool = False  # whether any row of `valid` has padding
    renumbered: bool = False  # whether positions differ from those that the model gave
    shift: LongTensor | None = None  # (b,) how far compaction moves back the tokens that follow

    def visual(self) -> tuple[LongTensor, BoolTensor, LongTensor]:
        """The visual tokens of each example in raster order, filled up to n: their columns (b, n),
        whether each is present (b, n), and their raster indices (b, n)."""
        is_visual = self.raster >= 0
        width = int(is_visual.sum(1).max())
        # Sorted by raster index, with all other tokens last; the first `width` columns hold every
        # visual token of the longest example.
        last = torch.iinfo(self.raster.dtype).max
        columns = self.raster.masked_fill(~is_visual, last).argsort(dim=1, stable=True)[:, :width]
        raster = self.raster.gather(1, columns)
        return columns, raster >= 0, raster.clamp(min=0)


def rows_of(order: LongTensor) -> LongTensor:
    """(b, 1) row numbers, to index with columns `order` (b, s): `x[rows_of(order), order]`."""
    return torch.arange(len(order), device=order.device)[:, None]


def take(before: Segment, order: LongTensor, keep: BoolTensor) -> Segment:
    """A segment of the columns `order` (b, s) of another; those not in `keep` become padding."""
    rows, valid = rows_of(order), keep.gather(1, order)
    return replace(
        before,
        columns=before.columns[rows, order],
        raster=before.raster[rows, order].masked_fill(~valid, -1),
        valid=valid,
        separators=None if before.separators is None else before.separators[rows, order],
        positions=before.positions[:, rows, order],
        whole=False,
        padded=not bool(valid.all()),
    )


def compact(after: Segment, prompt: Segment) -> Segment:
    """A segment whose positions are numbered anew, without gaps.

    prompt: the segment of the whole prompt.
    """
    positions = _without_gaps(after.positions, after.valid)
    shift = prompt.positions.amax((0, 2)) - positions.amax((0, 2))
    return replace(after, positions=positions, shift=shift, renumbered=True)


def _without_gaps(positions: LongTensor, valid: BoolTensor) -> LongTensor:
    """Position ids (axes, b, s) without the numbers that no valid token (b, s) has on any axis.

    They start at each example's smallest. On one axis the tokens are numbered through; on several,
    tokens that shared a row or a column still share it.
    """
    axes, batch, length = positions.shape
    first = positions.masked_fill(~valid, positions.max()).amin((0, 2))
    flat = positions.transpose(0, 1).reshape(batch, axes * length)
    in_use = valid.repeat(1, axes)
    # (b, numbers) 1 where a valid token has the number; the running sum ranks the numbers in use.
    occupied = torch.zeros(batch, int(positions.max()) + 1, dtype=torch.long, device=flat.device)
    occupied.scatter_reduce_(1, flat, in_use.long(), "amax")
    ranks = (occupied.cumsum(1) - 1).clamp(min=0)
    renumbered = first[:, None] + ranks.gather(1, flat)
    return renumbered.reshape(batch, axes, length).transpose(0, 1)


def shuffled(after: Segment, content: list[bytes]) -> Segment:
    """A segment whose visual tokens exchange their positions at random, within each example.

    The control of FEATHER (arXiv 2412.13180, table A3). content: digests of the examples, on which
    alone the permutations depend.
    """
    positions = after.positions.clone()
    for row, digest in enumerate(content):
        columns = (after.raster[row] >= 0).nonzero()[:, 0]
        order = torch.randperm(len(columns), generator=generator(0, digest)).to(columns.device)
        positions[:, row, columns] = positions[:, row, columns[order]]
    return replace(after, positions=positions, renumbered=True)


def scan_order(prompt: Segment, scan: str, layout: Layout) -> LongTensor:
    """(b, s) the column whose token moves to each column when the prompt is read as `Stage.scan`
    says. Visual tokens exchange places within their view; all others stay."""
    columns, present, _ = prompt.visual()  # (b, n)
    row, column, rows, _, view = layout.places.to(columns.device).unbind(-1)
    count = columns.shape[1]
    # (b, n) turn of each token within its view; |turn| < count, so views 2 * count apart stay apart
    turn = (
        -torch.arange(count, device=columns.device) if scan == "reversed" else column * rows + row
    )
    turn = (2 * count * view + turn).masked_fill(~present, torch.iinfo(torch.long).max)
    sources = columns.gather(1, turn.argsort(dim=1, stable=True))
    return prompt.columns.scatter(1, columns, sources)


def scanned(prompt: Segment, order: LongTensor, positions_move: bool) -> Segment:
    """The prompt with its tokens in `order` (b, s).

    positions_move: whether position ids go with the tokens, as places in the image do, or stay
    with the columns.
    """
    moved = replace(prompt, raster=prompt.raster.gather(1, order))
    if not positions_move:
        return moved
    return replace(
        moved,
        positions=prompt.positions[:, rows_of(order), order],
        whole=False,
        padded=not bool(prompt.valid.all()),
        renumbered=True,
    )


def select_from(segment: Segment, hidden: Tensor, layout: Layout, **fields: Any) -> Selection:
    """The selection that criteria get of a segment.

    hidden: (b, s, dim) input of the layer; fields: those of `Selection` that only some criteria
    need.
    """
    columns, present, raster = segment.visual()
    places = layout.places.to(raster.device).gather(1, raster[..., None].expand(-1, -1, 5))
    return Selection(
        hidden=hidden,
        valid=segment.valid,
        positions=segment.positions,
        visual=columns,
        present=present,
        raster=raster,
        place=places[..., :2],
        shape=places[..., 2:4],
        view=places[..., 4],
        separators=segment.separators,
        **fields,
    )
