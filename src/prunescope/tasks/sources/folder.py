"""Annotations in a JSON file, and images in a folder, that people download themselves."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pyarrow.lib import ArrowException

from prunescope.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

    from prunescope.tasks.card import Task


def load(task: "Task") -> "Dataset":
    """The rows of a JSON file: a list of them, or an object of which they are the values."""
    from datasets import Dataset

    files = task.folder["files"]
    if task.split not in files:
        raise InputError(f"task {task.name!r}: split: no file of {task.split!r}; {sorted(files)}")
    path = task.access.folder / files[task.split]
    if not path.is_file():
        raise InputError(f"task {task.name!r}: there is no file {path}. {task.folder['how']}")
    data = path.read_bytes()
    _check(task, path, data)
    try:
        rows = json.loads(data)
    except ValueError as error:  # of JSON, or of the text's encoding
        raise InputError(
            f"task {task.name!r}: {path} is damaged or not whole: {error}. {task.folder['how']}"
        ) from error
    rows = list(rows.values()) if isinstance(rows, dict) else rows
    wrong = f"task {task.name!r}: {path}: it must be a list of rows, or an object of them"
    if not isinstance(rows, list):
        raise InputError(f"{wrong}, and is {rows!r:.60}")
    if others := [each for each in rows if not isinstance(each, dict)]:
        raise InputError(
            f"{wrong}; {len(others)} of {len(rows)} are none, such as {others[0]!r:.60}"
        )
    try:
        return Dataset.from_list(rows[: task.access.stream])
    except (ArrowException, OverflowError) as error:
        raise InputError(f"{wrong}, with one type in each column: {error}") from error


def _check(task: "Task", path: Path, data: bytes) -> None:
    expected = task.folder.get("sha256", {}).get(task.split)
    if expected and expected != (found := hashlib.sha256(data).hexdigest()):
        raise InputError(
            f"task {task.name!r}: {path}: SHA-256 is {found}, the card says {expected}. "
            f"{task.folder['how']}"
        )
