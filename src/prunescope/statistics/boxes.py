"""Share of the true box that is kept, and how it and accuracy depend on where the box lies."""

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import kept, kept_masks
from prunescope.statistics.rare import answer_means

BANDS = 4  # equal horizontal bands of the image, by the centre of the true box
BAND_CONTRAST = "bottom - top"
NO_BOX = "records: no question has a true box; a localization task is needed"
# each band by itself, then the last minus the first
BANDS_AND_CONTRAST = np.vstack([np.eye(BANDS), np.eye(BANDS)[-1:] - np.eye(BANDS)[:1]])
MEASURES = {"recall": "recall", "accuracy": "score"}  # measure -> column


def box_cells(boxes: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Tokens of a box: (boxes, 4) normalised x1 y1 x2 y2 -> (boxes, rows * cols) bool.

    A token belongs to the box if at least half of its cell lies inside. A box that covers half of
    no cell has the cell of its centre, so that no box is empty.
    """
    x1, y1, x2, y2 = np.asarray(boxes, float).T[..., None]
    across, down = _overlap(x1, x2, grid[1]), _overlap(y1, y2, grid[0])
    # (boxes, rows, cols): the covered area of a cell is the product of its covered sides
    inside = down[:, :, None] * across[:, None, :] >= 0.5 - 1e-6
    small = np.flatnonzero(~inside.any((1, 2)))
    row, col = ((_centre(lo, hi, size)) for lo, hi, size in ((y1, y2, grid[0]), (x1, x2, grid[1])))
    inside[small, row[small], col[small]] = True
    return inside.reshape(len(inside), -1)


def _overlap(low: np.ndarray, high: np.ndarray, size: int) -> np.ndarray:
    """(boxes, size) share of each of `size` equal intervals of [0, 1] that [low, high] covers."""
    edge = np.arange(size) / size
    return np.clip(np.minimum(high, edge + 1 / size) - np.maximum(low, edge), 0, None) * size


def _centre(low: np.ndarray, high: np.ndarray, size: int) -> np.ndarray:
    """(boxes,) index of the interval that holds the middle of [low, high]."""
    return np.clip(((low + high)[:, 0] / 2 * size).astype(int), 0, size - 1)


def recall(mask: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """(..., n) kept, (..., n) in the box -> (...) share of the box's tokens that is kept."""
    return (mask & cells).sum(-1) / cells.sum(-1)


def band_of(boxes: np.ndarray, bands: int = BANDS) -> np.ndarray:
    """(boxes,) horizontal band that holds the centre of each box: 0 top, bands - 1 bottom."""
    boxes = np.asarray(boxes, float)
    return np.clip(((boxes[:, 1] + boxes[:, 3]) / 2 * bands).astype(int), 0, bands - 1)


def _stack(boxes: pd.Series) -> np.ndarray:
    if boxes.empty:
        raise InputError(NO_BOX)
    return np.stack(boxes.to_list()).astype(float)


def with_recall(records: pd.DataFrame, grid: tuple[int, int]) -> pd.DataFrame:
    """Records with a true box; `band` and `recall` replace the column `kept`.

    recall: share of the box's tokens that the last stage keeps, 1 without stages.
    """
    boxed = records[records["target_box"].map(len) == 4].reset_index(drop=True)
    if boxed.empty:
        return boxed
    boxes = _stack(boxed["target_box"])
    cells = box_cells(boxes, grid)
    mask = kept_masks(boxed, grid).values.reshape(cells.shape)
    return boxed.drop(columns="kept").assign(band=band_of(boxes), recall=recall(mask, cells))


def by_band(boxed: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Box recall and accuracy of every method, by the band in which the true box lies.

    boxed: as from `with_recall`. Columns method, measure (recall, accuracy), band (0 top to
    BANDS - 1 bottom, or `BAND_CONTRAST`), value, low, high, examples, units, interval. InputError
    without records.
    """
    if boxed.empty:
        raise InputError(NO_BOX)
    tables = []
    for method, rows in boxed.groupby("method", sort=False):
        inside = rows["band"].to_numpy()[:, None] == np.arange(BANDS)
        for measure, column in MEASURES.items():
            values = np.where(inside, rows[[column]].to_numpy(float), np.nan)
            # a share of tokens is no answer: 1 without pruning, whatever the questions
            least = 0.0 if measure == "accuracy" else np.nan
            images = rows["image"].to_numpy()
            table = answer_means(values, images, bootstrap, BANDS_AND_CONTRAST, least)
            named = table.assign(
                method=method, measure=measure, band=[*range(BANDS), BAND_CONTRAST]
            )
            tables.append(named)
    return pd.concat(tables, ignore_index=True)


def recall_by_layer(
    scores: xr.DataArray, boxes: pd.Series, remove: float, bootstrap: Bootstrap
) -> pd.DataFrame:
    """Box recall of a single-stage attention method at every layer, with and without RoPE.

    boxes: true box by example id; remove: fraction R. Columns layer, variant, value, low, high,
    examples, units.
    """
    scores = scores.sel(example=scores["example"].isin(boxes.index.to_list()))
    grid = scores.sizes["row"], scores.sizes["col"]
    cells = box_cells(_stack(boxes.loc[scores["example"].values]), grid)
    mask = kept(scores, remove).values.reshape(*scores.shape[:3], -1)
    shares = recall(mask, cells[:, None, None, :])
    levels = {name: scores[name].values.tolist() for name in ("layer", "variant")}
    names = pd.MultiIndex.from_product(levels.values(), names=levels)
    table = bootstrap.means(shares.reshape(len(shares), -1), scores["image"].values)
    return pd.concat([names.to_frame(index=False), table], axis=1)
