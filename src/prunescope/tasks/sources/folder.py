"""Annotations in a JSON file that people download themselves."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyarrow.lib import ArrowException

from prunescope.errors import InputError
from prunescope.tasks.card import Task

if TYPE_CHECKING:
    from datasets import Dataset


def load_rows(task: Task) -> "Dataset":
    """Rows of the task's JSON file: a list of rows, or an object whose values are the rows."""
    from datasets import Dataset

    path = _path(task)
    rows = _parse(task, path, path.read_bytes())
    try:
        return Dataset.from_list(rows[: task.access.stream])
    except (ArrowException, OverflowError) as error:
        raise InputError(
            f"{_must_be_rows(task, path)}, with one type in each column: {error}"
        ) from error


def _path(task: Task) -> Path:
    files = task.folder["files"]
    if task.split not in files:
        allowed = sorted(files)
        raise InputError(
            f"task {task.name!r}: split: no file of {task.split!r}; allowed: {allowed}"
        )
    path = task.access.folder / files[task.split]
    if not path.is_file():
        raise InputError(f"task {task.name!r}: there is no file {path}. {task.folder['how']}")
    return path


def _parse(task: Task, path: Path, data: bytes) -> list[dict[str, Any]]:
    _check_digest(task, path, data)
    try:
        rows = json.loads(data)
    except ValueError as error:  # broken JSON, or another encoding of the text
        raise InputError(
            f"task {task.name!r}: {path} is damaged or incomplete: {error}. {task.folder['how']}"
        ) from error
    rows = list(rows.values()) if isinstance(rows, dict) else rows
    if not isinstance(rows, list):
        raise InputError(f"{_must_be_rows(task, path)}, and is {rows!r:.60}")
    if others := [row for row in rows if not isinstance(row, dict)]:
        raise InputError(
            f"{_must_be_rows(task, path)}; {len(others)} of {len(rows)} are none, such as "
            f"{others[0]!r:.60}"
        )
    return rows


def _must_be_rows(task: Task, path: Path) -> str:
    return f"task {task.name!r}: {path}: it must be a list of rows, or an object of them"


def _check_digest(task: Task, path: Path, data: bytes) -> None:
    expected = task.folder.get("sha256", {}).get(task.split)
    if expected and expected != (actual := hashlib.sha256(data).hexdigest()):
        raise InputError(
            f"task {task.name!r}: {path}: SHA-256 is {actual}, the card says {expected}. "
            f"{task.folder['how']}"
        )
