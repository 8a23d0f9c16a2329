"""Records in formats of other tools: sample logs of lmms-eval, and a Hugging Face data set."""

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prunescope.errors import InputError
from prunescope.records.store import SCHEMA

LABELS = ("model", "method", "task")
DOC = ("example", "image", "kind", "target_box")  # columns that describe a question
ANSWER = ("target", "prediction")
METRICS = ("score", "iou", "invalid", "mean_tokens")  # `--baseline` looks for a "score"


def to_lmms_eval(records: Sequence[Path], out: Path) -> list[Path]:
    """Write OUT/MODEL/METHOD/samples_TASK.jsonl, one line per question; return the files.

    The keys are those of `lmms-eval --log_samples` (0.7): doc_id, the number of the question;
    target, for boxes "[x1, y1, x2, y2]" as fractions of the sides; filtered_resps, a list of the
    one answer, as lmms-eval reads it (files of 0.6 have the list, files of 0.7 the answer alone);
    doc_hash; the metrics; and doc, which has what records know of a question instead of its prompt.

    records: files of the rule `evaluate`, the shards of a task in their order. InputError if `out`
    is in use or a file holds no records.
    """
    tables = _read_all(records, out)
    numbers: Counter[Path] = Counter()  # questions written so far
    for table in tables:
        lines = defaultdict(list)
        for row in table.select([*LABELS, *DOC, *ANSWER, *METRICS]).to_pylist():
            path = out / row["model"] / row["method"] / f"samples_{row['task']}.jsonl"
            lines[path].append(json.dumps(_sample(row, numbers[path])))
            numbers[path] += 1
        for path, new in lines.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.writelines(f"{line}\n" for line in new)
    return list(numbers)


def to_dataset(records: Sequence[Path], out: Path) -> list[Path]:
    """Write a data set for `datasets.load_from_disk`: one split per task, all columns of the
    records. Arguments and errors as in `to_lmms_eval`; returns the folder."""
    from datasets import Dataset, DatasetDict, concatenate_datasets

    splits = defaultdict(list)
    for table in _read_all(records, out):
        if len(table):
            splits[table["task"][0].as_py()].append(Dataset(table))
    joined = {task: concatenate_datasets(parts) for task, parts in splits.items()}
    DatasetDict(joined).save_to_disk(out)
    return [out]


FORMATS = {"lmms-eval": to_lmms_eval, "dataset": to_dataset}


def _sample(row: dict[str, Any], number: int) -> dict[str, Any]:
    """One line of a sample log."""
    doc = {name: row[name] for name in DOC}
    return {
        "doc_id": number,
        "doc": doc,
        "target": row["target"] or _box_text(row["target_box"]),
        "filtered_resps": [row["prediction"]],
        "doc_hash": hashlib.sha256(json.dumps(doc, indent=2).encode()).hexdigest(),
        **{name: row[name] for name in METRICS if not _is_nan(row[name])},
    }


def _box_text(box: Sequence[float]) -> str:
    """A true box as lmms-eval writes it for RefCOCO, to six decimals: 32 bits hold no more."""
    return str([round(value, 6) for value in box]) if box else ""


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _read_all(records: Sequence[Path], out: Path) -> list[pa.Table]:
    """The files, memory-mapped. All are checked before anything is written."""
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: exists already and is not an empty folder")
    return [_read(path) for path in records]


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        table = pq.read_table(path, memory_map=True)
    except pa.ArrowException as error:
        raise InputError(f"{path}: not Parquet: {error}") from None
    if missing := [name for name in SCHEMA.names if name not in table.column_names]:
        raise InputError(f"{path}: no records of prunescope: it lacks the columns {missing}")
    return table
