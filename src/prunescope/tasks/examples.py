"""Examples of a task, from the source that its card names."""

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prunescope.errors import InputError
from prunescope.tasks.card import Task
from prunescope.tasks.sources.images import undecoded
from prunescope.tasks.sources.rows import load_benchmark, read_benchmark
from prunescope.tasks.subset import take
from prunescope.testbed.dataset import load_questions

if TYPE_CHECKING:
    from datasets import Dataset

FIELDS = ("id", "image_id", "image", "question", "answer", "box", "kind")
# The card's `source` -> the function that loads all examples of a task.
SOURCES = {
    "testbed": lambda task: load_questions(task.split, task.name, task.wording),
    "hub": load_benchmark,
    "folder": load_benchmark,
}


def load_examples(task: Task, limit: int | None = None) -> "Dataset":
    """Examples of a task with the columns FIELDS, at most `limit` of them.

    Examples of benchmarks also have `answers` (of several people) and `options` (texts to choose
    from). Images may be undecoded; `prompts.pictures` opens them. InputError for what is missing.
    """
    examples = SOURCES[task.source](task)
    if missing := sorted(set(FIELDS) - set(examples.column_names)):
        raise InputError(f"task {task.name!r}: source {task.source!r} has no column {missing[0]!r}")
    if not len(examples):
        raise InputError(f"task {task.name!r}: split: {task.split!r} has no examples")
    return take(examples, limit, task.draw)


def inventory(task: Task) -> dict[str, Any]:
    """Facts about a benchmark's split, as plain data: examples, images, rows left out, digest.

    Jobs rerun when these change, so they depend on the data alone, not on where they lie.
    """
    examples, left_out = read_benchmark(task)
    return {
        "examples": len(examples),
        "images": len(set(examples["image_id"])),
        "left_out": examples.info.description,
        "left_out_rows": [asdict(row) for row in left_out],
        "sha256": data_digest(examples),
    }


def data_digest(examples: "Dataset") -> str:
    """SHA-256 of all values of the examples.

    Images count by their stored bytes, or by their ids where these are digests of the bytes.
    """
    state = hashlib.sha256()
    if all(image.startswith("sha256-") for image in examples["image_id"]):
        examples = examples.remove_columns("image")
    for row in undecoded(examples):
        state.update(repr(sorted(row.items())).encode())
    return state.hexdigest()
