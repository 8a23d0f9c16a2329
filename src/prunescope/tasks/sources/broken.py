"""Search for the damaged file of a data set: libraries describe the damage without its name."""

import json
from pathlib import Path


def find_broken(folder: Path, pattern: str) -> Path | None:
    """The first file of this pattern that cannot be read to its end; None if all can be."""
    files = sorted(file for file in folder.glob(pattern) if file.is_file())
    return next((file for file in files if not _is_whole(file)), None)


def _is_whole(file: Path) -> bool:
    """Whether a Parquet or JSON Lines file can be read to its end; True for other kinds."""
    if file.suffix == ".parquet":
        return _is_parquet(file)
    if file.suffix != ".jsonl":
        return True
    with file.open("rb") as lines:
        return all(map(_is_json, lines))


def _is_parquet(file: Path) -> bool:
    import pyarrow
    from pyarrow import parquet

    try:
        for _ in parquet.ParquetFile(file).iter_batches():
            pass
    except (pyarrow.ArrowException, OSError):
        return False
    return True


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:  # broken JSON, or another encoding of the text
        return False
    return True
