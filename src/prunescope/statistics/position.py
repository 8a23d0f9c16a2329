"""Where on the image the kept tokens lie, from stored scores.

A single-stage attention method that removes the fraction R before layer K keeps the
`int(n * (1 - R))` tokens of highest score at K, ties to the lower index (FastV, arXiv 2403.06764;
counts as in FEATHER's code, arXiv 2412.13180). So one model run serves every K and R.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap, unit_sums
from prunescope.statistics.uniformity import DIVERGENCES, divergence_intervals
from prunescope.top_k import kept_count, ranks

HEIGHTS = ("mean_row", "bottom_quarter")
CHANCE = {"mean_row": 0.5, "bottom_quarter": 0.25} | dict.fromkeys(
    DIVERGENCES, 0.0
)  # random choice
DIFFERENCE = "rope - norope"
RECORD = ("method", "task", "example", "image")


def kept(scores: xr.DataArray, remove: float) -> xr.DataArray:
    """Kept tokens: bool, in the dimensions (..., row, col) of `scores`."""
    *lead, rows, cols = scores.shape
    rank = ranks(scores.values.reshape(*lead, rows * cols))
    mask = rank < kept_count(rows * cols, remove)
    return scores.copy(data=mask.reshape(scores.shape))


def retention_maps(scores: xr.DataArray, removes: Sequence[float]) -> xr.DataArray:
    """`retention` for every fraction of `removes`: (remove, layer, variant, row, col)."""
    maps = [retention(scores, remove) for remove in removes]
    return xr.concat(maps, pd.Index([float(remove) for remove in removes], name="remove"))


def retention(scores: xr.DataArray, remove: float) -> xr.DataArray:
    """Share of the examples that keep each token: (layer, variant, row, col)."""
    return kept(scores, remove).mean("example").rename("retention")


def kept_masks(records: pd.DataFrame, grid: tuple[int, int]) -> xr.DataArray:
    """Tokens that each record kept in its last stage, all without stages: bool (record, row, col),
    with the coordinates `RECORD` along `record`. Every record must have tokens of `grid`."""
    everything = np.arange(grid[0] * grid[1])
    last = [
        np.asarray(stages[-1], int) if len(stages) else everything for stages in records["kept"]
    ]
    # (records, tokens): a pair (record, kept index) for every kept token
    mask = np.zeros((len(last), len(everything)), bool)
    rows = np.repeat(np.arange(len(last)), [len(indices) for indices in last])
    mask[rows, np.concatenate(last)] = True
    coords = {name: ("record", records[name].to_numpy(object)) for name in RECORD}
    return xr.DataArray(mask.reshape(-1, *grid), coords, ("record", "row", "col"))


def kept_centres(
    masks: xr.DataArray, bootstrap: Bootstrap, pairs: Sequence[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Mean position of the kept tokens of each method, and differences of methods.

    Columns method, measure (mean_row, mean_col: 0 top or left, 1 bottom or right), value, low,
    high, examples, units. For each of `pairs`, rows of the method "first - second" give the
    difference, paired by example. masks: as from `kept_masks`; a record that keeps nothing is left
    out, and all others count the same.
    """
    totals = masks.sum(["row", "col"]).values
    table = masks.coords.to_dataset()[list(RECORD)].to_dataframe()
    for measure, along, across in (("mean_row", "row", "col"), ("mean_col", "col", "row")):
        size = masks.sizes[along]
        with np.errstate(invalid="ignore"):
            table[measure] = masks.sum(across).values @ ((np.arange(size) + 0.5) / size) / totals
    measures = ["mean_row", "mean_col"]
    wide = table.pivot(index=["task", "example", "image"], columns="method", values=measures)
    column = {name: number for number, name in enumerate(wide.columns)}
    # (pairs * measures, columns): 1 at the first method of a pair, -1 at the second
    contrasts = np.zeros((len(pairs) * 2, len(column)))
    rows = [(measure, *pair) for pair in pairs for measure in measures]
    for contrast, (measure, first, second) in zip(contrasts, rows, strict=True):
        contrast[column[measure, first]], contrast[column[measure, second]] = 1, -1
    means = bootstrap.means(wide.values, wide.index.get_level_values("image"), contrasts)
    names = [*wide.columns, *((measure, f"{a} - {b}") for measure, a, b in rows)]
    return means.assign(measure=[name[0] for name in names], method=[name[1] for name in names])


def heights(counts: np.ndarray) -> np.ndarray:
    """(..., rows) tokens per row, top first -> (..., 2), in the order of `HEIGHTS`.

    mean_row: mean vertical position (row + 0.5) / rows, 0 top, 1 bottom; 0.5 for uniform.
    bottom_quarter: share of the tokens in the lowest quarter of the image. A row that lies partly
    in it counts in part, so that uniform is 0.25 for any number of rows.
    """
    rows = counts.shape[-1]
    share = counts / counts.sum(-1, keepdims=True)
    height = (np.arange(rows) + 0.5) / rows
    lowest = np.clip(np.arange(1, rows + 1) - 0.75 * rows, 0, 1)
    return np.stack([share @ height, share @ lowest], axis=-1)


def position_bias(
    scores: xr.DataArray, removes: Sequence[float], bootstrap: Bootstrap
) -> pd.DataFrame:
    """The `HEIGHTS` of the kept tokens for every (remove, layer, variant).

    Rows of the variant `DIFFERENCE` hold rope minus norope, paired by image. The column `chance`
    is the expected value of a random choice, 0 for the difference.
    """
    counts = _counts(scores, removes, scores.shape[-2:])  # (units, removes, layers, variants, rows)

    def statistic(sums: np.ndarray) -> np.ndarray:
        # (..., removes, layers, variants, 2), then rope minus norope as one more variant
        values = heights(sums.reshape(*sums.shape[:-1], *counts.shape[1:]))
        both = np.concatenate([values, values[..., :1, :] - values[..., 1:, :]], axis=-2)
        return both.reshape(*sums.shape[:-1], -1)

    intervals = bootstrap.interval(counts.reshape(len(counts), -1), statistic)
    return _bias(scores, removes, HEIGHTS, intervals).assign(units=len(counts))


def map_bias(scores: xr.DataArray, removes: Sequence[float], bootstrap: Bootstrap) -> pd.DataFrame:
    """The `DIVERGENCES` of the map of kept tokens, over all its cells, from uniform.

    Rows and columns as from `position_bias`.
    """
    counts = _counts(scores, removes, (scores[0, 0, 0].size, 1))
    units, removed, layers = counts.shape[:3]
    intervals = [
        divergence_intervals(counts[:, remove, layer], bootstrap)
        for remove, layer in np.ndindex(removed, layers)
    ]
    return _bias(scores, removes, DIVERGENCES, np.reshape(intervals, (-1, 3))).assign(units=units)


def _bias(
    scores: xr.DataArray, removes: Sequence[float], measures: Sequence[str], intervals: np.ndarray
) -> pd.DataFrame:
    """Tidy table of `intervals`: value, low and high, ordered by remove, layer, variant (and their
    difference) and measure."""
    levels = {
        "remove": [float(remove) for remove in removes],
        "layer": scores["layer"].values.tolist(),
        "variant": [*scores["variant"].values.tolist(), DIFFERENCE],
        "measure": list(measures),
    }
    table = pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)
    table[["value", "low", "high"]] = intervals
    chance = table["measure"].map(CHANCE).where(table["variant"] != DIFFERENCE, 0.0)
    return table.assign(chance=chance, examples=scores.sizes["example"])


def _counts(scores: xr.DataArray, removes: Sequence[float], shape: tuple[int, int]) -> np.ndarray:
    """(units, removes, layers, variants, runs) kept tokens in each of shape[0] runs of shape[1]
    neighbouring tokens, summed over the examples of an image.

    InputError unless the variants are rope, norope, in this order.
    """
    if scores["variant"].values.tolist() != ["rope", "norope"]:
        raise InputError(f"scores: variants must be rope, norope, got {scores['variant'].values}")
    examples, layers, variants, rows, cols = scores.shape
    rank = ranks(scores.values.reshape(examples, layers, variants, rows * cols))
    per_image = []
    for remove in removes:
        mask = rank < kept_count(rows * cols, remove)
        in_run = mask.reshape(examples, -1, shape[1]).sum(-1)
        per_image.append(unit_sums(in_run, scores["image"].values))
    return np.stack(per_image, axis=1).reshape(-1, len(removes), layers, variants, shape[0])
