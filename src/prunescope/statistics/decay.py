"""How scores depend on the place in the sequence, from stored scores.

Visual tokens stand in raster order, and the query is the last prompt token. The `distance` of a
token is counted to the end of the image: 1 for the last token. The text after the image adds the
same number to every token of an example; this does not change slopes.
"""

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import DIFFERENCE


def rank_correlation(scores: xr.DataArray, bootstrap: Bootstrap) -> pd.DataFrame:
    """Spearman's correlation of score and raster index, averaged over the examples.

    It is 1 where scores rise with the index, and 0 where all scores of an example are equal.
    Columns layer, variant (and `DIFFERENCE`, paired by image), value, low, high, examples, units.
    """
    ranks = _ranks(_flat(scores))
    ranks = ranks - ranks.mean(-1, keepdims=True)
    place = np.arange(ranks.shape[-1]) - (ranks.shape[-1] - 1) / 2
    size = np.sqrt((ranks**2).sum(-1) * (place**2).sum())
    correlation = np.divide(ranks @ place, size, out=np.zeros_like(size), where=size > 0)
    return _by_layer(correlation, scores, bootstrap)


def _ranks(values: np.ndarray) -> np.ndarray:
    """(..., n) ranks from 1; equal values share their mean rank.

    pandas, because `scipy.stats.rankdata` takes a second to import.
    """
    rows = pd.DataFrame(values.reshape(-1, values.shape[-1])).rank(axis=1)
    return rows.to_numpy().reshape(values.shape)


def decay_slope(scores: xr.DataArray, bootstrap: Bootstrap) -> pd.DataFrame:
    """Least-squares slope of log score against distance, in nats per token, averaged over the
    examples. It is negative where scores decay. Columns as from `rank_correlation`."""
    logs = centred_logs(scores)
    distance = distances(logs.shape[-1])
    offset = distance - distance.mean()
    return _by_layer(logs @ offset / (offset**2).sum(), scores, bootstrap)


def decay_curve(scores: xr.DataArray, bootstrap: Bootstrap) -> pd.DataFrame:
    """Mean log score at every distance, minus the mean over the tokens of the example.

    Columns layer, variant, distance (tokens), value, low, high, examples, units.
    """
    logs = centred_logs(scores)
    levels = {
        **{name: scores[name].values.tolist() for name in ("layer", "variant")},
        "distance": distances(logs.shape[-1]).tolist(),
    }
    table = pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)
    estimates = [  # one layer at a time, as the resamples of all tokens take gigabytes
        bootstrap.means(of_layer.reshape(len(logs), -1), scores["image"].values)
        for of_layer in np.moveaxis(logs, 1, 0)
    ]
    table = pd.concat([table, pd.concat(estimates, ignore_index=True)], axis=1)
    return table.sort_values(list(levels), ignore_index=True)


def distances(tokens: int) -> np.ndarray:
    """(tokens,) distance of each token to the end of the image: from `tokens` down to 1."""
    return np.arange(tokens, 0, -1)


def centred_logs(scores: xr.DataArray) -> np.ndarray:
    """(examples, layers, variants, n) log scores minus their mean over the n tokens.

    A score that underflowed to 0 counts as the smallest normal float32.
    """
    logs = np.log(np.maximum(_flat(scores), np.finfo(np.float32).tiny), dtype=np.float64)
    return logs - logs.mean(-1, keepdims=True)


def _flat(scores: xr.DataArray) -> np.ndarray:
    """(examples, layers, variants, n) scores in raster order."""
    return scores.values.reshape(*scores.shape[:3], -1)


def _by_layer(values: np.ndarray, scores: xr.DataArray, bootstrap: Bootstrap) -> pd.DataFrame:
    """Means of `values` (examples, layers, variants), and of rope minus norope, the first two."""
    both = np.concatenate([values, values[..., :1] - values[..., 1:2]], axis=-1)
    levels = {
        "layer": scores["layer"].values.tolist(),
        "variant": [*scores["variant"].values.tolist(), DIFFERENCE],
    }
    table = pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)
    estimates = bootstrap.means(both.reshape(len(both), -1), scores["image"].values)
    return pd.concat([table, estimates], axis=1)
