"""Shares of the kept tokens in the first quarter, the middle half and the last quarter.

A mean position cannot tell a slope from a U: tokens at both ends have the same mean as tokens in
the middle. The three shares can. They are taken along two axes: the `sequence`, in the order in
which the decoder reads the tokens, and the `rows` of the image, from its top. Both are the same in
raster order, up to columns; they differ where an image is read in another order.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import DIFFERENCE, kept

EDGES = (0.0, 0.25, 0.75, 1.0)  # of the parts
CHANCE = {"first": 0.25, "middle": 0.5, "last": 0.25}  # part -> its share of an even choice
PARTS = tuple(CHANCE)
AXES = ("sequence", "rows")


def shares(kept: Sequence[int] | np.ndarray, tokens: int) -> dict[str, float]:
    """Share of the kept tokens in each of `PARTS`, NaN if none is kept.

    kept: places of the kept tokens in the sequence, 0 to tokens - 1. A token on the edge of two
    parts counts to both, in parts, so that all tokens have `CHANCE`. InputError for other places.
    """
    places = np.asarray(kept, int)
    if places.size and not (places.min() >= 0 and places.max() < tokens):
        raise InputError(f"kept: places must lie in 0 to {tokens - 1}, got {places.tolist()}")
    counts = np.bincount(places.ravel(), minlength=tokens)
    return dict(zip(PARTS, shares_of_counts(counts).tolist(), strict=True))


def shares_of_counts(counts: np.ndarray) -> np.ndarray:
    """(..., n) kept tokens at each of n places of a sequence, or in each of n rows -> (..., 3)
    shares in the order of `PARTS`; NaN where nothing is kept."""
    counts = np.asarray(counts, float)
    total = counts.sum(-1, keepdims=True)
    inside = counts @ _membership(counts.shape[-1])
    return np.divide(inside, total, out=np.full_like(inside, np.nan), where=total > 0)


def shares_along(masks: np.ndarray, order: Sequence[int] | None = None) -> np.ndarray:
    """(..., rows, cols) kept tokens or counts of them -> (..., 2, 3) shares along `AXES`.

    order: raster index (row * cols + col) of each token in the order in which the decoder reads
    them, raster order by default. InputError unless it holds every token once.
    """
    masks = np.asarray(masks)
    *lead, rows, cols = masks.shape
    order = np.arange(rows * cols) if order is None else np.asarray(order)
    if sorted(order.tolist()) != list(range(rows * cols)):
        raise InputError(f"order: must hold each of 0 to {rows * cols - 1} once")
    in_sequence = masks.reshape(*lead, rows * cols)[..., order]
    axes = shares_of_counts(in_sequence), shares_of_counts(masks.sum(-1))
    return np.stack(axes, axis=-2)


def share_bias(
    scores: xr.DataArray,
    removes: Sequence[float],
    bootstrap: Bootstrap,
    order: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Shares of the tokens that the scores keep, for every (remove, layer, variant, axis, part).

    scores: (example, layer, variant, row, col) with the coordinate `image`, as from `read_scores`;
    removes: fractions R. Where the variants are rope and norope, rows of the variant `DIFFERENCE`
    hold the first minus the second, paired by image. order: as of `shares_along`. Columns remove,
    layer, variant, axis (of `AXES`), part (of `PARTS`), value, low, high, chance (an even choice,
    0 for differences), examples, units.
    """
    by_remove = [shares_along(kept(scores, remove).values, order) for remove in removes]
    # (examples, removes, layers, variants, axes, parts)
    values = np.stack(by_remove, axis=1)
    variants = scores["variant"].values.tolist()
    if variants == ["rope", "norope"]:
        values = np.concatenate([values, values[:, :, :, :1] - values[:, :, :, 1:]], axis=3)
        variants = [*variants, DIFFERENCE]
    levels = {
        "remove": [float(remove) for remove in removes],
        "layer": scores["layer"].values.tolist(),
        "variant": variants,
        "axis": list(AXES),
        "part": list(PARTS),
    }
    table = pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)
    estimates = bootstrap.means(values.reshape(len(values), -1), scores["image"].values)
    chance = table["part"].map(CHANCE).where(table["variant"] != DIFFERENCE, 0.0)
    table = pd.concat([table, estimates[["value", "low", "high"]]], axis=1).assign(chance=chance)
    return table.assign(examples=estimates["examples"], units=estimates["units"])


def _membership(n: int) -> np.ndarray:
    """(n, 3) fraction of each of n places that lies in each part."""
    place, edges = np.arange(n)[:, None], n * np.array(EDGES)
    overlap = np.minimum(place + 1, edges[1:]) - np.maximum(place, edges[:-1])
    return np.clip(overlap, 0, None)
