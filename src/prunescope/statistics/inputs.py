"""Reading stored records (Parquet) and scores (Zarr), checked before anything is computed."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xarray as xr

from prunescope.errors import InputError

KEY = ["model", "task", "example", "image", "method"]
DIMS = ("example", "layer", "variant", "row", "col")


def read_records(paths: Iterable[Path | str], columns: Sequence[str]) -> pd.DataFrame:
    """Rows of the Parquet files with the columns `KEY` and `columns`; one row per
    (model, task, example, method).

    Raises InputError for a file without rows or columns that are needed, and for repeated rows.
    """
    wanted = [*KEY, *(c for c in columns if c not in KEY)]
    records = pd.concat([_read_part(Path(path), wanted) for path in paths], ignore_index=True)
    repeated = records.duplicated(["model", "task", "example", "method"])
    if repeated.any():
        row = records.loc[repeated.idxmax(), KEY].to_dict()
        raise InputError(f"records: {int(repeated.sum())} repeated rows, the first is {row}")
    return records


def _read_part(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.exists():
        raise InputError(f"{path}: no such file of records")
    present = pq.read_schema(path).names
    if missing := [c for c in columns if c not in present]:
        raise InputError(f"{path}: missing columns {missing}; it has {present}")
    part = pd.read_parquet(path, columns=columns)
    if part.empty:
        raise InputError(f"{path}: no records")
    return part


def read_scores(paths: Iterable[Path | str]) -> xr.DataArray:
    """Last-query scores (example, layer, variant, row, col) float32 of the Zarr stores, one after
    the other, with coordinates `image` and `task` (the store's name) along `example`.

    Raises InputError for other dimensions or scores that are not finite.
    """
    parts = [_read_store(Path(path)) for path in paths]
    return xr.concat(parts, "example", join="exact", coords="minimal", compat="equals")


def _read_store(path: Path) -> xr.DataArray:
    if not path.exists():
        raise InputError(f"{path}: no such store of scores")
    with warnings.catch_warnings():  # Snakemake leaves a file of its own in the folder
        warnings.filterwarnings("ignore", r"Object at \.snakemake_timestamp")
        scores = xr.open_zarr(path, chunks=None, consolidated=False)["score"]
    if set(scores.dims) != set(DIMS) or "image" not in scores.coords:
        raise InputError(
            f"{path}: expected dimensions {DIMS} and a coordinate `image`, "
            f"got {scores.dims} and {list(scores.coords)}"
        )
    scores = scores.transpose(*DIMS).load()
    if not np.isfinite(scores.values).all():
        raise InputError(f"{path}: scores must be finite")
    names = ("example", [path.stem] * scores.sizes["example"])
    kept = {name: scores[name] for name in (*DIMS[:3], "image") if name in scores.coords}
    return xr.DataArray(scores.variable, kept).assign_coords(task=names)


def localization_tasks(records: pd.DataFrame) -> list[str]:
    """Names of the tasks whose questions have a true box (column `target_box`)."""
    has_box = records["target_box"].map(len) == 4
    return sorted(records.loc[has_box, "task"].unique())
