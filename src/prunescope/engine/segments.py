"""The tokens of a prompt as a run of decoder layers sees them, before and after a stage."""

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

    columns: LongTensor  # (b, s) their columns in the whole prompt
    raster: LongTensor  # (b, s) index among the example's visual tokens, below 0 elsewhere
    valid: BoolTensor  # (b, s) False: padding
    positions: LongTensor  # (axes, b, s) position ids
    separators: BoolTensor | None = None  # (b, s) other tokens of images
    whole: bool = True  # all tokens as the model has them; the fields below are for others
    padded: bool = False  # whether any row of `valid` has padding
    renumbered: bool = False  # whether positions are not the model's own
    shift: LongTensor | None = None  # (b,) how far back compaction moves what follows

    def visual(self) -> tuple[LongTensor, BoolTensor, LongTensor]:
        """(b, n) columns of the visual tokens in the order of the raster, which of them are
        present, raster indices."""
        is_visual = self.raster >= 0
        most = int(is_visual.sum(1).max())
        last = torch.iinfo(self.raster.dtype).max
        columns = self.raster.masked_fill(~is_visual, last).argsort(dim=1, stable=True)[:, :most]
        raster = self.raster.gather(1, columns)
        return columns, raster >= 0, raster.clamp(min=0)


def rows_of(order: LongTensor) -> LongTensor:
    """(b, 1) the index that goes with columns `order` (b, s)."""
    return torch.arange(len(order), device=order.device)[:, None]


def take(before: Segment, order: LongTensor, keep: BoolTensor) -> Segment:
    """The columns `order` (b, s) of a segment; those not in `keep` become padding."""
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


def compact(after: Segment, whole: Segment) -> Segment:
    """Positions numbered anew, without gaps. whole: the prompt."""
    positions = _closed_up(after.positions, after.valid)
    shift = whole.positions.amax((0, 2)) - positions.amax((0, 2))
    return replace(after, positions=positions, shift=shift, renumbered=True)


def _closed_up(positions: LongTensor, valid: BoolTensor) -> LongTensor:
    """Numbers that no valid token (b, s) has on any axis are closed up, from the smallest on.

    positions: (axes, b, s). On one axis the tokens are numbered through; with several, tokens
    that shared a row or a column still do.
    """
    axes, batch, length = positions.shape
    first = positions.masked_fill(~valid, positions.max()).amin((0, 2))
    flat = positions.transpose(0, 1).reshape(batch, axes * length)
    used = valid.repeat(1, axes)
    taken = torch.zeros(batch, int(positions.max()) + 1, dtype=torch.long, device=flat.device)
    taken.scatter_reduce_(1, flat, used.long(), "amax")
    ranks = (taken.cumsum(1) - 1).clamp(min=0)
    closed = first[:, None] + ranks.gather(1, flat)
    return closed.reshape(batch, axes, length).transpose(0, 1)


def shuffled(after: Segment, content: list[bytes]) -> Segment:
    """The visual tokens of each example exchange their positions at random.

    The control of FEATHER (arXiv 2412.13180, table A3); the permutation depends on the example's
    content only.
    """
    positions = after.positions.clone()
    for row, each in enumerate(content):
        columns = (after.raster[row] >= 0).nonzero()[:, 0]
        order = torch.randperm(len(columns), generator=generator(0, each)).to(columns.device)
        positions[:, row, columns] = positions[:, row, columns[order]]
    return replace(after, positions=positions, renumbered=True)


def scan_order(prompt: Segment, scan: str, layout: Layout) -> LongTensor:
    """(b, s) the column whose token comes to each column of a prompt that is read as `Stage.scan`
    says: visual tokens exchange places within their view, all others stay."""
    columns, present, _ = prompt.visual()
    row, column, rows, _, view = layout.places.to(columns.device).unbind(-1)
    count = columns.shape[1]
    turn = (
        -torch.arange(count, device=columns.device) if scan == "reversed" else column * rows + row
    )
    turn = (2 * count * view + turn).masked_fill(~present, torch.iinfo(torch.long).max)
    coming = columns.gather(1, turn.argsort(dim=1, stable=True))
    return prompt.columns.scatter(1, columns, coming)


def scanned(prompt: Segment, order: LongTensor, places: bool) -> Segment:
    """The prompt in that `order`. places: position ids go with the tokens, not with the columns."""
    moved = replace(prompt, raster=prompt.raster.gather(1, order))
    if not places:
        return moved
    return replace(
        moved,
        positions=prompt.positions[:, rows_of(order), order],
        whole=False,
        padded=not bool(prompt.valid.all()),
        renumbered=True,
    )


def select_from(segment: Segment, hidden: Tensor, layout: Layout, **fields: Any) -> Selection:
    """What criteria see of a segment; `fields` are those that only some of them need."""
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
