"""Where the results come from: the study's size, and the software, machine and time behind it."""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import xarray as xr

LIBRARIES = ("prunescope", "numpy", "pandas", "scipy", "matplotlib", "seaborn", "snakemake")


def sizes(records: pd.DataFrame, stores: Iterable[Path | str]) -> dict[str, str]:
    """One sentence for each model: its layers and tokens, and how many questions and methods.

    records: with the columns `reading.KEY`; stores: of scores. Models whose images differ in their
    grid of tokens are described by the first store.
    """
    depths: dict[str, str] = {}
    for store in stores:
        data = xr.open_zarr(store, chunks=None)
        rows, columns = data.sizes["row"], data.sizes["col"]
        text = f"{int(data['layer'].max())} decoder layers, {rows} by {columns} visual tokens"
        depths.setdefault(data.attrs["model"], text)
    return {
        model: f"{depths[model]}; {_questions(of_model)}"
        for model, of_model in records.groupby("model", sort=False)
    }


def _questions(records: pd.DataFrame) -> str:
    questions = len(records[["task", "example"]].drop_duplicates())
    tasks, images, methods = (records[name].nunique() for name in ("task", "image", "method"))
    return f"{questions:,} questions of {tasks} tasks on {images:,} images; {methods} methods."


def manifest(stores: Iterable[Path | str]) -> dict[str, str]:
    """Facts that stored scores state about themselves, as `model: fact`.

    Facts that differ between stores, such as versions before and after an upgrade, are joined.
    """
    facts: dict[str, dict[str, None]] = {}
    for store in stores:
        attributes = dict(xr.open_zarr(store, chunks=None).attrs)
        model = attributes.pop("model")
        for name, value in attributes.items():
            if name != "task":
                facts.setdefault(f"{model}: {name}", {})[str(value)] = None
    return {name: " and ".join(values) for name, values in facts.items()}


def page_facts(timings: Path | str) -> dict[str, str | Mapping[str, str]]:
    """Date, commit, software and machine of the page, and the time of the study's jobs.

    timings: folder of the benchmark files that Snakemake wrote.
    """
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": _commit(),
        "jobs": _job_times(Path(timings)),
        "machine of the page": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "Python": platform.python_version(),
        "packages": {name: version(name) for name in LIBRARIES},
    }


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown: no git checkout"
    return answer.stdout.strip()


def _job_times(folder: Path) -> str:
    """Number of jobs and their latest running times, summed."""
    rows = [pd.read_csv(file, sep="\t").iloc[0] for file in sorted(folder.rglob("*.tsv"))]
    if not rows:
        return "no times"
    wall, processor = (sum(float(row[name]) for row in rows) / 60 for name in ("s", "cpu_time"))
    return f"{len(rows)} jobs, {wall:.1f} minutes in sum, {processor:.1f} minutes of processor time"
