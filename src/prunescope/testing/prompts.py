"""Random selections, and parts of them, to test criteria without a model."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from torch import BoolTensor, Tensor

from prunescope.criteria import Selection
from prunescope.criteria.base import Projected
from prunescope.models.layout import Grid, Layout

# Fields with one entry per visual token, and per column of the prompt.
TOKENS = ("visual", "present", "raster", "place", "shape", "view", "features", "received")
COLUMNS = ("hidden", "valid")
# Needs whose field in `Selection` has another name.
FIELD_OF = dict.fromkeys(("previous", "own", "axes"), "projected")
OPTIONAL = ("projected", "content", "features", "received", "boxes", "kept")


def random_selection(
    batch: int, grids: Sequence[Grid], seed: int = 0, whole: bool = False
) -> Selection:
    """A selection of random prompts: padding, one text token, visual tokens, three text tokens.

    grids: (rows, columns) of the views of each example. whole: whether all visual tokens are there;
    otherwise random ones are missing.
    """
    draw = torch.Generator().manual_seed(seed)
    size = sum(rows * columns for rows, columns in grids)
    least = size if whole else 1
    present = torch.arange(size) < torch.randint(least, size + 1, (batch, 1), generator=draw)
    # (b, n) random raster indices in increasing order, 0 where an example is filled up
    raster = torch.rand(batch, size, generator=draw).argsort(1)
    raster = raster.masked_fill(~present, size).sort(1).values.masked_fill(~present, 0)
    length = size + 4
    start = length - 3 - present.sum(1, keepdim=True)  # column of the first visual token
    columns = torch.arange(length)
    places = Layout(torch.ones(batch, size, dtype=torch.bool), [grids] * batch).places
    places = places.gather(1, raster[..., None].expand(-1, -1, 5))
    return Selection(
        hidden=torch.randn(batch, length, 32, generator=draw),
        valid=columns >= start - 1,
        positions=(columns - start + 1).clamp(min=0)[None],
        visual=torch.where(present, start + torch.arange(size), 0),
        present=present,
        raster=raster,
        place=places[..., :2],
        shape=places[..., 2:4],
        view=places[..., 4],
        projected=_random_projected(batch, length, draw),
        content=[f"{seed}-{row}".encode() for row in range(batch)],
        # NaN where no token is present, so that a criterion that reads it fails the checks.
        features=torch.randn(batch, size, 16, generator=draw).where(present[..., None], torch.nan),
        received=torch.rand(batch, size, generator=draw).where(present, torch.nan),
        boxes=torch.rand(batch, 2, 2, generator=draw).sort(1).values.flatten(1),
        kept=[row.nonzero()[:, 0] for row in torch.rand(batch, size, generator=draw) < 0.5],
    )


def _random_projected(batch: int, length: int, draw: torch.Generator) -> Projected:
    heads, key_heads, dim = 4, 2, 8
    angles = torch.rand(batch, length, dim // 2, generator=draw).repeat(1, 1, 2)
    return Projected(
        queries=torch.randn(batch, length, heads, dim, generator=draw),
        keys=torch.randn(batch, length, key_heads, dim, generator=draw),
        rotary=(angles.cos(), angles.sin()),
        mask=None,
        scale=dim**-0.5,
        axes=torch.zeros(dim, dtype=torch.long),
    )


def single(selection: Selection, row: int) -> Selection:
    """Example `row` as a batch of one, without padding and without filling up."""
    columns = selection.valid[row].nonzero()[:, 0]
    slots = selection.present[row].nonzero()[:, 0]
    tokens = {name: getattr(selection, name)[row, slots][None] for name in TOKENS}
    projected = selection.projected
    return replace(
        selection,
        **tokens | {"visual": tokens["visual"] - columns[0]},
        **{name: getattr(selection, name)[row, columns][None] for name in COLUMNS},
        positions=selection.positions[:, row, columns][:, None],
        projected=replace(
            projected,
            queries=projected.queries[row, columns][None],
            keys=projected.keys[row, columns][None],
            rotary=tuple(part[row, columns][None] for part in projected.rotary),
        ),
        content=selection.content[row : row + 1],
        boxes=selection.boxes[row : row + 1],
        kept=selection.kept[row : row + 1],
    )


def narrow(selection: Selection, kept: BoolTensor) -> Selection:
    """The selection after a stage that keeps `kept` (b, n); other visual columns become padding."""
    order = (~kept).byte().argsort(dim=1, stable=True)[:, : int(kept.sum(1).max())]
    rows = torch.arange(len(order))[:, None]
    dropped = selection.present & ~kept
    valid = selection.valid.clone()
    valid[dropped.nonzero()[:, 0], selection.visual[dropped]] = False
    tokens = {name: getattr(selection, name)[rows, order] for name in TOKENS}
    return replace(selection, **tokens | {"present": kept[rows, order]}, valid=valid)


def only(selection: Selection, needs: Iterable[str]) -> Selection:
    """The selection that a criterion with these needs gets: other optional fields are None."""
    fields = {FIELD_OF.get(need, need) for need in needs}
    return replace(selection, **{name: None for name in OPTIONAL if name not in fields})


def tensors(selection: Selection) -> list[Tensor]:
    """All tensors that a selection holds."""
    parts = [*vars(selection).values(), *vars(selection.projected).values(), *selection.kept]
    return [part for part in parts if isinstance(part, Tensor)]
