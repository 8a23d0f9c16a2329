"""What every criterion must hold to, for authors of plug-ins:

    from prunescope.testing.contracts import check_criterion
    check_criterion(MyCriterion(strength=2))

Each function raises AssertionError with what went wrong.
"""

from dataclasses import fields, replace

import torch
from torch import BoolTensor, Tensor

from prunescope.criteria import Criterion, Selection, parse, to_dict


def check_criterion(criterion: Criterion, grid: tuple[int, int] = (5, 7), seed: int = 0) -> None:
    """All checks below, on random prompts with padding on the left and tokens already missing."""
    selection = random_selection(3, grid, seed)
    check_scores(criterion, selection)
    check_selected(criterion, selection)
    check_deterministic(criterion, selection)
    check_batched_equals_single(criterion, selection)
    assert parse(to_dict(criterion), "contract") == criterion, "cannot be written to a config"


def check_scores(criterion: Criterion, selection: Selection) -> None:
    """Scores are finite float32 numbers, one per visual token."""
    scores = criterion.score(selection)
    assert scores.shape == selection.visual.shape, f"scores have shape {tuple(scores.shape)}"
    assert scores.dtype == torch.float32, f"scores are {scores.dtype}"
    assert scores[selection.present].isfinite().all(), "scores are not finite"


def check_selected(criterion: Criterion, selection: Selection) -> None:
    """Only tokens that are present are kept, and as many as were asked for."""
    kept = _select(criterion, selection)
    assert kept.shape == selection.visual.shape and kept.dtype == torch.bool, "not a (b, n) mask"
    assert not (kept & ~selection.present).any(), "keeps tokens that are not present"
    if criterion.sized:
        assert torch.equal(kept.sum(1), _counts(selection)), "keeps another number of tokens"


def check_deterministic(criterion: Criterion, selection: Selection) -> None:
    """The same twice, whatever the state of the global generator; inputs are left alone."""
    before = {field.name: getattr(selection, field.name) for field in fields(selection)}
    copies = {name: v.clone() for name, v in before.items() if isinstance(v, Tensor)}
    torch.manual_seed(1)
    first = _select(criterion, selection)
    torch.manual_seed(2)
    assert torch.equal(first, _select(criterion, selection)), "two calls differ"
    changed = [name for name, copy in copies.items() if not torch.equal(copy, before[name])]
    assert not changed, f"changes its input: {changed}"


def check_batched_equals_single(criterion: Criterion, selection: Selection) -> None:
    """An example's kept tokens do not depend on the batch that it is in, nor on padding."""
    together = _select(criterion, selection)
    for row in range(len(together)):
        alone = single(selection, row)
        kept = alone.raster[0][_select(criterion, alone)[0]].tolist()
        expected = selection.raster[row][together[row]].tolist()
        assert kept == expected, f"example {row}: {kept} alone, {expected} in a batch"


def random_selection(batch: int, grid: tuple[int, int], seed: int = 0) -> Selection:
    """Random prompts: padding, one token, some tokens of the grid in order, three more tokens."""
    draw = torch.Generator().manual_seed(seed)
    heads, key_heads, dim = 4, 2, 8
    size = grid[0] * grid[1]
    present = torch.arange(size) < torch.randint(1, size + 1, (batch, 1), generator=draw)
    raster = torch.rand(batch, size, generator=draw).argsort(1)
    raster = raster.masked_fill(~present, size).sort(1).values.masked_fill(~present, 0)
    length = size + 4
    start = length - 3 - present.sum(1, keepdim=True)  # column of the first visual token
    columns = torch.arange(length)
    angles = torch.rand(batch, length, dim // 2, generator=draw).repeat(1, 1, 2)
    return Selection(
        hidden=torch.randn(batch, length, heads * dim, generator=draw),
        valid=columns >= start - 1,
        positions=(columns - start + 1).clamp(min=0),
        visual=torch.where(present, start + torch.arange(size), 0),
        present=present,
        raster=raster,
        grid=grid,
        queries=torch.randn(batch, length, heads, dim, generator=draw),
        keys=torch.randn(batch, length, key_heads, dim, generator=draw),
        rotary=(angles.cos(), angles.sin()),
        content=[f"{seed}-{row}".encode() for row in range(batch)],
    )


def single(selection: Selection, row: int) -> Selection:
    """Example `row` as a batch of one, without padding and without missing tokens."""
    columns = selection.valid[row].nonzero()[:, 0]
    slots = selection.present[row]
    along = ("hidden", "valid", "positions", "queries", "keys")
    return replace(
        selection,
        **{name: getattr(selection, name)[row, columns][None] for name in along},
        visual=(selection.visual[row, slots] - columns[0])[None],
        present=selection.present[row, slots][None],
        raster=selection.raster[row, slots][None],
        rotary=tuple(part[row, columns][None] for part in selection.rotary),
        content=selection.content[row : row + 1],
    )


def _counts(selection: Selection) -> Tensor:
    return (selection.present.sum(1) + 1) // 2


def _select(criterion: Criterion, selection: Selection) -> BoolTensor:
    return criterion.select(selection, _counts(selection) if criterion.sized else None)
