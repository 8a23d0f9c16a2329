"""Upkeep of a store of records: list its contents, check it, delete from it."""

import json
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from prunescope.errors import InputError
from prunescope.records.parts import read_parts
from prunescope.records.store import RecordStore


def contents(store: Path) -> list[dict[str, Any]]:
    """One row for each key: model, task, method, examples, parts, bytes, date, source.

    date: of the newest part. source: start of the digest of the code that computed the records.
    """
    rows = [_row(folder) for folder in open_store(store).folders()]
    return sorted(rows, key=lambda row: (row["model"], row["task"], row["method"], row["date"]))


def _row(folder: Path) -> dict[str, Any]:
    key, parts = json.loads((folder / "key.json").read_text()), read_parts(folder)
    files = [path.stat() for path in parts]
    newest = max((file.st_mtime for file in files), default=folder.stat().st_mtime)
    examples = {example for part in parts.values() for example in part["example"].to_pylist()}
    return {
        "model": key["model"]["name"],
        "task": key["task"]["name"],
        "method": key["method"]["name"],
        "examples": len(examples),
        "parts": len(parts),
        "bytes": sum(file.st_size for file in files),
        "date": datetime.fromtimestamp(newest).isoformat(" ", "seconds"),
        "source": key["source"][:12],
    }


def verify(store: Path) -> dict[str, int]:
    """Number of parts that are `intact`, and that are `damaged` and set aside by this call."""
    counts = {"intact": 0, "damaged": 0}
    for folder in open_store(store).folders():
        total, intact = len(list(folder.glob("*.parquet"))), len(read_parts(folder))
        counts["intact"] += intact
        counts["damaged"] += total - intact
    return counts


def remove(folders: Iterable[Path]) -> None:
    """Delete the records of these keys."""
    for folder in folders:
        shutil.rmtree(folder)


def open_store(store: Path) -> RecordStore:
    """The store in a folder; InputError if there is no such folder."""
    if not Path(store).is_dir():
        raise InputError(f"there is no folder {store}")
    return RecordStore(store)
