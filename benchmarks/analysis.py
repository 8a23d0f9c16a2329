"""Memory that the scripts of analysis/ take, as a multiple of the files that they read.

    python benchmarks/analysis.py

Reads records and scores of a made-up study with the methods of the paper's study and two tasks,
one with boxes. Each script runs in a new process, with the settings of `paper.yaml`, on few
examples and on three times as many; the multiple is the slope between the two.
`workflow/rules/common.smk` requests memory by these numbers.
"""

import argparse
import importlib
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr
from record import write

from prunescope.errors import InputError
from prunescope.methods import parse_methods
from prunescope.records.store import SCHEMA
from prunescope.study import Study, paths, scripts

STUDY, MODEL = "workflow/config/paper.yaml", "prism-7b"
TASKS, GRID, LAYERS = ("refcoco", "gqa"), (27, 27), 32
PER_IMAGE = 3  # questions
KINDS = ("records", "attention")


def records(task: str, method: str, stages: int, examples: int) -> pa.Table:
    """Records of a method. Each stage keeps a quarter of the tokens that are left."""
    rng = np.random.default_rng(len(method))
    n, boxed = GRID[0] * GRID[1], task == "refcoco"
    order = rng.random((examples, n), np.float32).argsort(1).astype(np.int16)
    kept = [np.sort(order[:, : n // 4 ** (i + 1)]) for i in range(stages)]
    score = rng.integers(0, 2, examples).astype(np.float32)
    columns = {
        "model": [MODEL] * examples,
        "task": [task] * examples,
        "method": [method] * examples,
        "example": [f"{i:020x}" for i in range(examples)],
        "image": [f"sha256-{i // PER_IMAGE:032x}" for i in range(examples)],
        "kind": [f"kind {i % 4}" for i in range(examples)],
        "prediction": [f"[{i % 7}.12, 0.34, 0.56, 0.78]" for i in range(examples)],
        "target": ["[0.12, 0.34, 0.56, 0.78]"] * examples,
        "score": score,
        "iou": rng.random(examples).astype(np.float32) if boxed else [np.nan] * examples,
        "invalid": [False] * examples,
        "target_box": [[0.1, 0.2, 0.3, 0.4] if boxed else []] * examples,
        "mean_tokens": [300.0 - stages] * examples,
        "kv_bytes": [10**8] * examples,
        "stage_layers": [[3, 16][:stages]] * examples,
        "kept": [[stage[i].tolist() for stage in kept] for i in range(examples)],
    }
    return pa.table(columns, SCHEMA)


def generate(folder: Path, examples: int, scored: int) -> dict[str, list[str]]:
    """Files of each kind that scripts ask for."""
    methods = parse_methods(Study.load(STUDY).fixed, STUDY)
    files = {kind: [] for kind in KINDS}
    rng = np.random.default_rng(0)
    for task in TASKS:
        tables = (
            records(task, name, len(method.stages), examples) for name, method in methods.items()
        )
        files["records"].append(str(folder / f"{task}.parquet"))
        pq.write_table(pa.concat_tables(tables), files["records"][-1])
        coords = {
            "example": [f"{i:020x}" for i in range(scored)],
            "image": ("example", [f"sha256-{i // PER_IMAGE:032x}" for i in range(scored)]),
            "kind": ("example", [f"kind {i % 4}" for i in range(scored)]),
            "layer": np.arange(1, LAYERS + 1),
            "variant": ["rope", "norope", "rope-alone"],
        }
        scores = rng.random((scored, LAYERS, 3, *GRID), np.float32)
        dims = ("example", "layer", "variant", "row", "col")
        stored = xr.Dataset({"score": (dims, scores)}, coords, {"model": MODEL, "task": task})
        files["attention"].append(str(folder / f"{task}.zarr"))
        stored.to_zarr(files["attention"][-1], zarr_format=2)
    return files


def measure(name: str, arguments: dict[str, Any]) -> dict[str, float] | None:
    """Memory of this process in MB, before the script reads anything and at its peak. None for a
    script that cannot use these records."""
    sys.path.insert(0, str(scripts.ANALYSIS))
    script = importlib.import_module(name)
    before = peak()
    try:
        script.make(**arguments)
    except InputError:
        return None
    return {"before": before, "peak": peak()}


def peak() -> float:
    """Peak memory of this process in MB."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) / 1024


def size(paths: list[str]) -> float:
    """MB of files and folders."""
    files = [
        file
        for path in map(Path, paths)
        for file in ([path] if path.is_file() else path.rglob("*"))
    ]
    return sum(file.stat().st_size for file in files) / 1e6


def of_scripts(folder: Path, examples: int, scored: int) -> dict[str, dict[str, float]]:
    """MB that each script reads and takes."""
    study, inputs, results = Study.load(STUDY), generate(folder, examples, scored), {}
    for kind, name in paths.items(study):
        read = list(scripts.select(name, inputs))
        if not read or {"operations", "timing", "cards", "matched"} & set(scripts.arguments(name)):
            continue
        outputs = {kind: f"{folder}/{name}.{kind}" for kind in ("png", "svg", "pdf", "csv")}
        offered = inputs | outputs | paths.settings(study)
        arguments = scripts.select(name, offered) | study.config[kind][name]
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            memory = process.submit(measure, name, arguments).result()
        if memory is not None:
            results[name] = {part: size(inputs[part]) for part in read} | memory
            print(name, results[name], flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=1000, help="of a task, with each method")
    parser.add_argument("--scored", type=int, default=64, help="of a task")
    options = parser.parse_args()
    results = []
    for times in (1, 3):
        with TemporaryDirectory() as folder:
            counts = times * options.examples, times * options.scored
            results.append(of_scripts(Path(folder), *counts))
    cases = []
    for name, few in results[0].items():
        many = results[1][name]
        read = [sum(result.get(kind, 0) for kind in KINDS) for result in (few, many)]
        factor = (many["peak"] - few["peak"]) / (read[1] - read[0])
        case = {"script": name, "few": few, "many": many, "times what is read": round(factor, 2)}
        cases.append(case | {"and besides": round(few["peak"] - factor * read[0])})
    write("analysis", vars(options) | {"cases": cases}, ("numpy", "pandas", "pyarrow", "xarray"))


if __name__ == "__main__":
    main()
