"""The examples of a task, from whichever source its card names."""

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from prunescope.errors import InputError
from prunescope.tasks.card import Task
from prunescope.tasks.sources import rows
from prunescope.tasks.sources.images import undecoded
from prunescope.tasks.subset import take

if TYPE_CHECKING:
    from datasets import Dataset


FIELDS = ("id", "image_id", "image", "question", "answer", "box", "kind")


def load_examples(task: Task, limit: int | None = None) -> "Dataset":
    """The examples of a task with the columns FIELDS, from whichever source; those of benchmarks
    also have `answers` (what people said) and `options` (texts to choose from). `pictures` decodes
    the images.

    limit: only so many. InputError for what is missing, before an example is loaded.
    """
    examples = SOURCES[task.source](task)
    if missing := sorted(set(FIELDS) - set(examples.column_names)):
        raise InputError(f"task {task.name!r}: source {task.source!r} has no column {missing[0]!r}")
    if not len(examples):
        raise InputError(f"task {task.name!r}: split: {task.split!r} has no examples")
    return take(examples, limit, task.draw)


def inventory(task: Task) -> dict[str, Any]:
    """What the split of a benchmark has, as plain data: examples, images, what is left out, digest.

    Jobs rerun when it changes, so it says the same of the same data, wherever these are.
    """
    examples, gone = rows.read(task)
    return {
        "examples": len(examples),
        "images": len(set(examples["image_id"])),
        "left_out": examples.info.description,
        "left_out_rows": [asdict(each) for each in gone],
        "sha256": data_digest(examples),
    }


def data_digest(examples: "Dataset") -> str:
    """SHA-256 of all values, images as the bytes that are stored (or of their digests, where ids
    are those)."""
    state = hashlib.sha256()
    if all(each.startswith("sha256-") for each in examples["image_id"]):
        examples = examples.remove_columns("image")
    for row in undecoded(examples):
        state.update(repr(sorted(row.items())).encode())
    return state.hexdigest()


def _testbed(task: Task) -> "Dataset":
    from prunescope.testbed import dataset

    return dataset.load(task.split, task.name)


SOURCES = {"testbed": _testbed, "hub": rows.load, "folder": rows.load}
