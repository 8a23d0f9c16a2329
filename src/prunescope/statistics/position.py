"""Where on the image the kept tokens lie, from stored scores.

A single-stage attention method that removes the fraction R before layer K keeps the
`int(n * (1 - R))` tokens of highest score at K, ties to the lower index (FastV, arXiv 2403.06764;
counts as in FEATHER's code, arXiv 2412.13180): no model is run again for another K or R.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap, unit_sums

MEASURES = ("mean_row", "bottom_quarter", "total_variation")
DIFFERENCE = "rope - norope"


def kept_count(n: int, remove: float) -> int:
    """Tokens that are left of `n`; InputError unless `remove` lies in [0, 1) and one is left."""
    count = int(n * (1 - remove)) if 0 <= remove < 1 else 0
    if count < 1:
        raise InputError(f"remove: must lie in [0, 1) and leave one of {n} tokens, got {remove}")
    return count


def ranks(scores: np.ndarray) -> np.ndarray:
    """(..., n) scores -> (..., n) ranks from 0, the highest; ties go to the lower index."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    result = np.empty(order.shape, np.int32)
    np.put_along_axis(result, order, np.arange(order.shape[-1], dtype=np.int32), axis=-1)
    return result


def kept(scores: xr.DataArray, remove: float) -> xr.DataArray:
    """Whether each token is kept: bool, dimensions (..., row, col) as in `scores`."""
    *lead, rows, cols = scores.shape
    rank = ranks(scores.values.reshape(*lead, rows * cols))
    mask = rank < kept_count(rows * cols, remove)
    return scores.copy(data=mask.reshape(scores.shape))


def retention(scores: xr.DataArray, remove: float) -> xr.DataArray:
    """P(kept | row, col) over the examples: (layer, variant, row, col)."""
    return kept(scores, remove).mean("example").rename("retention")


def row_measures(counts: np.ndarray) -> np.ndarray:
    """(..., rows) tokens per row, top first -> (..., 3), in the order of `MEASURES`.

    mean_row: mean height (row + 0.5) / rows, 0 top, 1 bottom, 0.5 for uniform.
    bottom_quarter: share in the lowest quarter of the image, a row that straddles it counted in
    part, so that uniform is 0.25 for any number of rows.
    total_variation: of the distribution over rows from uniform, 0 to 1 - 1 / rows. Sampling noise
    adds to it, so its interval lies a little high when there is no bias.
    """
    rows = counts.shape[-1]
    share = counts / counts.sum(-1, keepdims=True)
    height = (np.arange(rows) + 0.5) / rows
    lowest = np.clip(np.arange(1, rows + 1) - 0.75 * rows, 0, 1)
    variation = np.abs(share - 1 / rows).sum(-1) / 2
    return np.stack([share @ height, share @ lowest, variation], axis=-1)


def position_bias(
    scores: xr.DataArray, removes: Sequence[float], bootstrap: Bootstrap
) -> pd.DataFrame:
    """The `MEASURES` of the kept set for every (remove, layer, variant), with intervals by image.

    Rows of the variant `DIFFERENCE` hold rope minus norope, paired by image.
    """
    counts = _row_counts(scores, removes)  # (units, removes, layers, variants, rows)
    shape = counts.shape[1:]

    def statistic(sums: np.ndarray) -> np.ndarray:
        measures = row_measures(sums.reshape(*sums.shape[:-1], *shape))
        difference = measures[..., :1, :] - measures[..., 1:, :]
        both = np.concatenate([measures, difference], axis=-2)
        return both.reshape(*sums.shape[:-1], -1)

    estimates = bootstrap.interval(counts.reshape(len(counts), -1), statistic)
    levels = {
        "remove": [float(r) for r in removes],
        "layer": scores["layer"].values.tolist(),
        "variant": [*scores["variant"].values.tolist(), DIFFERENCE],
        "measure": list(MEASURES),
    }
    table = pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)
    table[["value", "low", "high"]] = estimates
    return table.assign(examples=scores.sizes["example"], units=len(counts))


def _row_counts(scores: xr.DataArray, removes: Sequence[float]) -> np.ndarray:
    """Kept tokens per row, summed over the examples of each image:
    (units, removes, layers, variants, rows); variants in the order rope, norope."""
    if scores["variant"].values.tolist() != ["rope", "norope"]:
        raise InputError(f"scores: variants must be rope, norope, got {scores['variant'].values}")
    examples, layers, variants, rows, cols = scores.shape
    rank = ranks(scores.values.reshape(examples, layers, variants, rows * cols))
    per_image = []
    for remove in removes:
        mask = rank < kept_count(rows * cols, remove)
        in_row = mask.reshape(examples, -1, cols).sum(-1)
        per_image.append(unit_sums(in_row, scores["image"].values))
    return np.stack(per_image, axis=1).reshape(-1, len(removes), layers, variants, rows)
