"""Aggregating kept tokens: target 100 million in under 60 s and 2 GB on two cores.

    python benchmarks/aggregate.py

Writes records of the store's schema, with two stages on 27 x 27 visual tokens that keep a quarter
and then a tenth of them, in two forms: a part for every batch of 32, and a file for every task.
Each form is counted in a new process, so that the peak memory has no other cause. The size of a
record on disk is written down as well; the plan of a study uses it.
"""

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from record import write

from prunescope.records.store import SCHEMA
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.kept_tokens import count_tokens, kept_position

TOKENS, BATCH, GRID = 100_000_000, 32, (27, 27)
KEPT = 182, 73  # tokens left by each stage
METHODS, TASKS = 24, 7
EXAMPLES = TOKENS // (sum(KEPT) * METHODS * TASKS)  # of a task
RECORDS = EXAMPLES * METHODS * TASKS


def records(task: int, method: int, rng: np.random.Generator) -> pa.Table:
    """Records of a method on a task. Lower tokens are kept more often."""
    n = GRID[0] * GRID[1]
    noise = rng.random((EXAMPLES, n), np.float32) + np.linspace(0, 0.5, n, dtype=np.float32)
    order = noise.argsort(1)[:, ::-1].astype(np.int16)
    stages = [np.sort(order[:, :count], axis=1) for count in KEPT]
    flat = np.concatenate(stages, axis=1).ravel()
    ends = np.cumsum(np.tile(KEPT, EXAMPLES))
    lists = pa.ListArray.from_arrays(pa.array(np.r_[0, ends], pa.int32()), pa.array(flat))
    outer = pa.array(np.arange(EXAMPLES + 1) * len(KEPT), pa.int32())
    names = [f"image-{i:06d}" for i in range(EXAMPLES)]
    columns = {
        "model": ["rope"] * EXAMPLES,
        "task": [f"task-{task}"] * EXAMPLES,
        "method": [f"method-{method:02d}"] * EXAMPLES,
        "example": [f"task-{task}-{i:06d}" for i in range(EXAMPLES)],
        "image": names,
        "kind": ["object"] * EXAMPLES,
        "prediction": rng.integers(0, 1000, EXAMPLES).astype(str),
        "target": rng.integers(0, 1000, EXAMPLES).astype(str),
        "score": rng.integers(0, 2, EXAMPLES).astype(np.float32),
        "kept": pa.ListArray.from_arrays(outer, lists),
    }
    others = [field for field in SCHEMA if field.name not in columns]
    absent = {field.name: pa.nulls(EXAMPLES, field.type) for field in others}
    data = {name: (columns | absent)[name] for name in SCHEMA.names}
    return pa.table(data, SCHEMA)


def generate(folder: Path) -> dict[str, list[Path]]:
    """The files of each form."""
    rng = np.random.default_rng(0)
    parts, collected = [], []
    for task in range(TASKS):
        tables = [records(task, method, rng) for method in range(METHODS)]
        collected.append(folder / f"task-{task}.parquet")
        pq.write_table(pa.concat_tables(tables), collected[-1])
        for method, table in enumerate(tables):
            for start in range(0, EXAMPLES, BATCH):
                parts.append(folder / f"{task}-{method}-{start}.parquet")
                pq.write_table(table.slice(start, BATCH), parts[-1], write_page_checksum=True)
    return {"parts of a batch": parts, "a file for each task": collected}


def by_token(paths: list[Path]) -> int:
    """Number of kept tokens."""
    return int(count_tokens(paths)["tokens"].sum())


def by_image(paths: list[Path]) -> int:
    """Number of rows of the table of kept positions."""
    return len(kept_position(paths, GRID, Bootstrap()))


def measure(count, paths: list[Path]) -> dict[str, float]:
    """Seconds of a count, and peak memory of this process in GB."""
    start = time.perf_counter()
    result = count(paths)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {"seconds": round(seconds, 1), "peak GB": round(peak, 2), "found": result}


def main() -> None:
    cases = []
    with TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        for form, paths in generate(Path(folder)).items():
            size = sum(path.stat().st_size for path in paths) / RECORDS
            for count in (by_token, by_image):
                with ProcessPoolExecutor(1, get_context("spawn")) as process:
                    spent = process.submit(measure, count, paths).result()
                within = spent["seconds"] < 60 and spent["peak GB"] < 2
                case = {"form": form, "files": len(paths), "bytes a record": round(size)}
                cases.append(case | {"count": count.__name__} | spent | {"within target": within})
    measured = {"tokens": RECORDS * sum(KEPT), "records": RECORDS, "cases": cases}
    write("aggregate", measured, ("numpy", "pandas", "pyarrow"))


if __name__ == "__main__":
    main()
