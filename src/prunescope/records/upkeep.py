"""Looking after a store of records: what is in it, whether it is intact, what no study asks for."""

import json
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from prunescope.errors import InputError
from prunescope.records.store import RecordStore, has_checksum, read_parts


def contents(store: Path) -> list[dict[str, Any]]:
    """One row for each key: model, task, method, examples, parts, bytes, date, source.

    date: of the newest part; source: version of the code, the beginning of its digest.
    """
    rows = [_row(folder) for folder in open_store(store).folders()]
    return sorted(rows, key=lambda row: (row["model"], row["task"], row["method"], row["date"]))


def _row(folder: Path) -> dict[str, Any]:
    key, parts = json.loads((folder / "key.json").read_text()), read_parts(folder)
    files = [path.stat() for path in parts]
    newest = max((file.st_mtime for file in files), default=folder.stat().st_mtime)
    examples = {each for part in parts.values() for each in part["example"].to_pylist()}
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
    """How many parts are `intact`, `damaged` (and set aside now), or readable but from before
    parts had a checksum."""
    counts = {"intact": 0, "damaged": 0, "without checksum": 0}
    for folder in open_store(store).folders():
        found = len(list(folder.glob("*.parquet")))
        readable = read_parts(folder)
        counts["damaged"] += found - len(readable)
        for path in readable:
            counts["intact" if has_checksum(path) else "without checksum"] += 1
    return counts


def remove(folders: Iterable[Path]) -> None:
    """Delete the records of these keys."""
    for folder in folders:
        shutil.rmtree(folder)


def open_store(store: Path) -> RecordStore:
    if not Path(store).is_dir():
        raise InputError(f"there is no folder {store}")
    return RecordStore(store)
