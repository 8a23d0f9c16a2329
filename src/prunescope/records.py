"""Looking after a store of records: what is in it, whether it is intact, what no study asks for."""

import json
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from prunescope import config, tasks
from prunescope.errors import InputError
from prunescope.methods import Method, parse_methods, read_methods
from prunescope.store import RecordStore, has_checksum, read_parts


def contents(store: Path) -> list[dict[str, Any]]:
    """One row for each key: model, task, method, examples, parts, bytes, date, source.

    date: of the newest part; source: version of the code, the beginning of its digest.
    """
    rows = [_row(folder) for folder in _open(store).folders()]
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
    for folder in _open(store).folders():
        found = len(list(folder.glob("*.parquet")))
        readable = read_parts(folder)
        counts["damaged"] += found - len(readable)
        for path in readable:
            counts["intact" if has_checksum(path) else "without checksum"] += 1
    return counts


def unasked(store: Path, configs: Iterable[Path]) -> list[Path]:
    """The folders of the keys that none of these studies asks for."""
    asked = {folder for each in configs for folder in _asked(_open(store), each)}
    return [folder for folder in _open(store).folders() if folder not in asked]


def remove(folders: Iterable[Path]) -> None:
    """Delete the records of these keys."""
    for folder in folders:
        shutil.rmtree(folder)


def _asked(store: RecordStore, path: Path) -> set[Path]:
    """The folders that a study reads, by its configuration."""
    from prunescope.evaluation import keys_of  # here, since it imports torch
    from prunescope.hints import possible

    study = config.load(path)
    folders = set()
    for name, model in study["models"].items():
        for card in study["tasks"]:
            task = config.task_of(config.TASKS / f"{card}.yaml", model, study)
            examples = tasks.load(task)
            left = possible(_methods(study, path, name), task, examples)
            keys = keys_of(config.checkpoint(name, model, study), task, left, examples)
            folders |= {store.folder(key) for key in keys.values()}
    return folders


def _methods(study: config.Config, path: Path, model: str) -> dict[str, Method]:
    """The methods of a study for a model; those that are matched, as the study has solved them."""
    if not config.wanted(study, str(path)):
        return parse_methods(config.methods(study, str(path)), str(path))
    solved = Path("results", study["name"], "methods", f"{model}.yaml")
    if not solved.is_file():
        raise InputError(
            f"{path}: matched: there is no {solved}, which says what these methods are; "
            f"run the study, or `snakemake --configfile {path} {solved}`"
        )
    return read_methods(solved)


def _open(store: Path) -> RecordStore:
    if not Path(store).is_dir():
        raise InputError(f"there is no folder {store}")
    return RecordStore(store)
