"""Reading stored records (Parquet) and scores (Zarr), checked before anything is computed."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from prunescope.errors import InputError

if TYPE_CHECKING:
    import xarray as xr  # takes half a second, and most jobs read no scores

KEY = ["model", "task", "example", "image", "method"]
DIMS = ("example", "layer", "variant", "row", "col")
VARIANTS = ("rope", "norope")
HEAD_LOGS = "log_by_row"  # variable of a probe's store


def read_records(
    paths: Iterable[Path | str],
    columns: Sequence[str],
    examples: Iterable[str] | None = None,
    transform: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Rows of the Parquet files with the columns `KEY` and `columns`, one for each (model, task,
    example, method).

    examples: ids to read, if not all; transform: applied to the rows of each file before the next
    is read, so that large columns (`kept`) of one file alone are in memory. InputError without
    rows, for missing columns, and for repeated rows.
    """
    wanted = [*KEY, *(c for c in columns if c not in KEY)]
    paths = list(map(Path, paths))
    only = None if examples is None else [("example", "in", list(examples))]
    read = (_read_part(path, wanted, only) for path in paths)
    parts = [part if transform is None else transform(part) for part in read if len(part)]
    if not parts:
        raise InputError(f"{', '.join(map(str, paths))}: no records")
    records = pd.concat(parts, ignore_index=True)
    repeated = records.duplicated(["model", "task", "example", "method"])
    if repeated.any():
        row = records.loc[repeated.idxmax(), KEY].to_dict()
        raise InputError(f"records: {int(repeated.sum())} repeated rows, the first is {row}")
    return records


def _read_part(path: Path, columns: list[str], only: list[tuple] | None) -> pd.DataFrame:
    if not path.exists():
        raise InputError(f"{path}: no such file of records")
    present = pq.read_schema(path).names
    if missing := [c for c in columns if c not in present]:
        raise InputError(f"{path}: missing columns {missing}; it has {present}")
    return pd.read_parquet(path, columns=columns, filters=only)


def read_scores(paths: Iterable[Path | str], variants: Sequence[str] = VARIANTS) -> "xr.DataArray":
    """Last-query scores of one model from its Zarr stores: float32, dimensions `DIMS`, with the
    coordinates `image` and `task` along `example`.

    InputError for other dimensions, missing variants, scores that are not finite, repeated or no
    examples, and several models.
    """
    [(_, scores), *others] = read_every_scores(paths, variants).items()
    if others:
        raise InputError(f"scores: expected one model, got also {[name for name, _ in others]}")
    return scores


def read_every_scores(
    paths: Iterable[Path | str], variants: Sequence[str] = VARIANTS
) -> dict[str, "xr.DataArray"]:
    """Scores, as from `read_scores`, by model, in the order of the stores.

    Models may differ in depth and grid.
    """
    paths = list(map(Path, paths))
    parts = defaultdict(list)
    for path in paths:
        scores = _read_store(path, variants)
        if scores.sizes["example"]:  # a shard may be empty
            parts[scores.attrs["model"]].append(scores)
    if not parts:
        raise InputError(f"{', '.join(map(str, paths))}: no scores")
    return {model: _joined(model, of_model) for model, of_model in parts.items()}


def read_probes(
    paths: Iterable[Path | str], variants: Sequence[str] = VARIANTS
) -> dict[tuple[str, str], "xr.DataArray"]:
    """Scores, as from `read_scores`, by decoder and content, in the order of the stores."""
    return {
        (model, content): scores.sel(example=scores["task"].values == content)
        for model, scores in read_every_scores(paths, variants).items()
        for content in dict.fromkeys(scores["task"].values.tolist())
    }


def read_head_logs(paths: Iterable[Path | str]) -> dict[tuple[str, str], "xr.DataArray"]:
    """Mean log scores by attention head and row of the grid, by decoder and content.

    Dimensions example, layer, head_variant, head, row, with the coordinate `image` along example.
    InputError for a store without them.
    """
    logs = {}
    for path in map(Path, paths):
        store = _open_store(path)
        if HEAD_LOGS not in store:
            raise InputError(f"{path}: has no {HEAD_LOGS}, only {sorted(store)}; it is no probe's")
        logs[store.attrs["model"], store.attrs["task"]] = store[HEAD_LOGS].load()
    return logs


def _joined(model: str, parts: list["xr.DataArray"]) -> "xr.DataArray":
    import xarray as xr

    scores = xr.concat(parts, "example", join="exact", coords="minimal", compat="equals")
    names = pd.MultiIndex.from_arrays([scores["task"].values, scores["example"].values])
    if (repeated := names[names.duplicated()]).size:
        raise InputError(f"scores: {len(repeated)} repeated examples of {model!r}: {repeated[0]}")
    return scores


def _open_store(path: Path) -> "xr.Dataset":
    import xarray as xr

    if not path.exists():
        raise InputError(f"{path}: no such store of scores")
    with warnings.catch_warnings():  # Snakemake puts a file into the folder
        warnings.filterwarnings("ignore", r"Object at \.snakemake_timestamp")
        return xr.open_zarr(path, chunks=None, consolidated=False)


def _read_store(path: Path, variants: Sequence[str]) -> "xr.DataArray":
    import xarray as xr

    store = _open_store(path)
    scores = store["score"]
    if set(scores.dims) != set(DIMS) or "image" not in scores.coords:
        raise InputError(
            f"{path}: expected dimensions {DIMS} and a coordinate `image`, "
            f"got {scores.dims} and {list(scores.coords)}"
        )
    if missing := {"model", "task"} - set(store.attrs):
        raise InputError(f"{path}: missing attributes {sorted(missing)}; it has {[*store.attrs]}")
    if missing := sorted(set(variants) - set(scores["variant"].values)):
        raise InputError(
            f"{path}: missing variants {missing}; it has {[*scores['variant'].values]}"
        )
    scores = scores.sel(variant=list(variants)).transpose(*DIMS).load()
    if not np.isfinite(scores.values).all():
        raise InputError(f"{path}: scores must be finite")
    names = ("example", [store.attrs["task"]] * scores.sizes["example"])
    kept = {name: scores[name] for name in (*DIMS[:3], "image") if name in scores.coords}
    scores = xr.DataArray(scores.variable, kept).assign_coords(task=names)
    return scores.assign_attrs(model=store.attrs["model"])


def localization_tasks(records: pd.DataFrame) -> list[str]:
    """Sorted names of the tasks whose questions have a true box (column `target_box`)."""
    has_box = records["target_box"].map(len) == 4
    return sorted(records.loc[has_box, "task"].unique())
