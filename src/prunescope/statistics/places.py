"""How strongly scores prefer places in the sequence, by layer and by attention head.

For scores over tokens without content, whose places are all that differs, and for scores over
images. Tables have the columns `layer`, `variant`, `measure`, `value`, `low`, `high`, `chance` (the
value without any preference) and `units`, what intervals resample.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.statistics.bootstrap import Bootstrap, ratio, unit_sums
from prunescope.statistics.decay import centred_logs
from prunescope.statistics.position import heights, kept
from prunescope.statistics.reading import read_every_scores, read_probes
from prunescope.statistics.sequence_shares import CHANCE as SHARE_CHANCE
from prunescope.statistics.sequence_shares import shares_of_counts

# mean_row: of kept tokens, 0 top, 1 bottom. first, middle, last: shares of the kept tokens in the
# first quarter, the middle half and the last quarter of the sequence. rise: of the log score from
# the first token to the last, along the least-squares line, in nats.
CHANCE = {"mean_row": 0.5, **SHARE_CHANCE, "rise": 0.0}
# mean score in the last quarter over that in the first, and of the last token over the first
RATIOS = ("last_over_first_quarter", "last_over_first_token")
EXPLAINED = "rope"  # the variant whose profile others explain
ON_IMAGES = ("rope", "norope", "rope-alone")  # variants of scores over images
WITHOUT_CONTENT = (*ON_IMAGES, "rope-equal")
IMAGES = "images"  # stands in place of a content for scores over images


def read_places(
    probes: Sequence[Path | str], attention: Sequence[Path | str]
) -> dict[tuple[str, str], xr.DataArray]:
    """Scores by (decoder, content) of the probes, and by (model, `IMAGES`) of the stores of
    attention, where there are any."""
    seen = read_every_scores(attention, ON_IMAGES) if attention else {}
    of_images = {(model, IMAGES): scores for model, scores in seen.items()}
    return read_probes(probes, WITHOUT_CONTENT) | of_images


def preferences(scores: xr.DataArray, remove: float, bootstrap: Bootstrap) -> pd.DataFrame:
    """The measures of `CHANCE` and the `RATIOS`, for every layer and variant.

    scores: (example, layer, variant, row, col) with the coordinate `image`, as from `read_scores`;
    remove: the fraction of the tokens that is removed. Where all scores of an example are equal,
    nothing prefers the kept tokens, and it does not count in measures of these.
    """
    flat = scores.values.reshape(*scores.shape[:3], -1)
    means = _means(scores, flat, remove, bootstrap)
    ratios = _ratios(scores, flat, bootstrap)
    table = pd.concat([means, ratios], ignore_index=True)
    return table.sort_values(["layer", "variant", "measure"], ignore_index=True)


def _means(
    scores: xr.DataArray, flat: np.ndarray, remove: float, bootstrap: Bootstrap
) -> pd.DataFrame:
    mask = kept(scores, remove).values
    rows = heights(mask.sum(-1))[..., :1]
    shares = shares_of_counts(mask.reshape(flat.shape))
    chosen = np.concatenate([rows, shares], axis=-1)
    chosen[flat.max(-1) == flat.min(-1)] = np.nan
    rises = _rise(centred_logs(scores))[..., None]
    # (examples, layers, variants, measures)
    values = np.concatenate([chosen, rises], axis=-1)
    estimates = bootstrap.means(values.reshape(len(values), -1), scores["image"].values)
    return _labelled(scores, list(CHANCE), estimates)


def _ratios(scores: xr.DataArray, flat: np.ndarray, bootstrap: Bootstrap) -> pd.DataFrame:
    quarter = max(flat.shape[-1] // 4, 1)
    ends = [(flat[..., -size:].mean(-1), flat[..., :size].mean(-1)) for size in (quarter, 1)]
    # (examples, layers * variants * ratios) numerators, then as many denominators
    parts = [np.stack(part, axis=-1).reshape(len(flat), -1) for part in zip(*ends, strict=True)]
    sums = unit_sums(np.hstack(parts), scores["image"].values)
    intervals = bootstrap.interval(sums, ratio)
    estimates = pd.DataFrame(intervals, columns=["value", "low", "high"]).assign(units=len(sums))
    return _labelled(scores, list(RATIOS), estimates)


def _labelled(
    scores: xr.DataArray, measures: Sequence[str], estimates: pd.DataFrame
) -> pd.DataFrame:
    levels = {
        "layer": scores["layer"].values.tolist(),
        "variant": scores["variant"].values.tolist(),
        "measure": list(measures),
    }
    table = pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)
    table = table.assign(chance=table["measure"].map(CHANCE).fillna(1.0))
    return pd.concat([table, estimates[["value", "low", "high", "units"]]], axis=1)


def _rise(logs: np.ndarray) -> np.ndarray:
    """(..., n) values along the sequence -> (...) rise of their least-squares line, from the first
    place to the last."""
    place = np.arange(logs.shape[-1]) - (logs.shape[-1] - 1) / 2
    return logs @ place / (place**2).sum() * (logs.shape[-1] - 1)


def head_rises(logs: xr.DataArray, bootstrap: Bootstrap) -> pd.DataFrame:
    """The measure rise for every layer, variant and attention head: columns layer, variant, head
    (from 0), value, low, high, units.

    logs: (example, layer, head_variant, head, row) mean log scores by row of the grid, as from
    `reading.read_head_logs`. The rise runs from the middle of the first row to that of the last.
    """
    rises = _rise(logs.values.astype(np.float64))
    names = {"layer": "layer", "variant": "head_variant"}
    levels = {column: logs[dim].values.tolist() for column, dim in names.items()}
    levels["head"] = range(logs.sizes["head"])
    table = pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)
    estimates = bootstrap.means(rises.reshape(len(rises), -1), logs["image"].values)
    return pd.concat([table, estimates[["value", "low", "high", "units"]]], axis=1)


def explained(scores: xr.DataArray, bootstrap: Bootstrap) -> pd.DataFrame:
    """How well the profile of another variant explains that of the score with RoPE.

    A profile is the mean log score by row, over all examples. The value is the squared correlation
    over rows of the two profiles, with the sign of the correlation. Columns layer, variant, value,
    low, high, units; without the score with RoPE itself.
    """
    others = [name for name in scores["variant"].values.tolist() if name != EXPLAINED]
    names = [EXPLAINED, *others]
    ordered = scores.sel(variant=names)
    # (examples, layers, variants, rows)
    logs = centred_logs(ordered).reshape(ordered.shape).mean(-1)
    sums = unit_sums(logs.reshape(len(logs), -1), scores["image"].values)

    def statistic(totals: np.ndarray) -> np.ndarray:
        profiles = totals.reshape(*totals.shape[:-1], *logs.shape[1:])
        profiles = profiles - profiles.mean(-1, keepdims=True)
        scaled = _scaled(profiles)
        correlation = (scaled[..., :1, :] * scaled[..., 1:, :]).sum(-1)
        return (np.sign(correlation) * correlation**2).reshape(*totals.shape[:-1], -1)

    levels = {"layer": scores["layer"].values.tolist(), "variant": others}
    table = pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)
    table[["value", "low", "high"]] = bootstrap.interval(sums, statistic)
    return table.assign(units=len(sums))


def _scaled(profiles: np.ndarray) -> np.ndarray:
    """(..., rows) centred profiles, at length 1; 0 for a flat one."""
    length = np.sqrt((profiles**2).sum(-1, keepdims=True))
    return np.divide(profiles, length, out=np.zeros_like(profiles), where=length > 0)
