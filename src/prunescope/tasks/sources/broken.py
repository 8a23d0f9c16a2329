"""Which file of a data set is broken: libraries say what is wrong with it, but not its name."""

import json
from pathlib import Path


def find_broken(folder: Path, pattern: str) -> Path | None:
    """The first of these files that cannot be read to its end, if there is one."""
    files = sorted(file for file in folder.glob(pattern) if file.is_file())
    return next((file for file in files if not _is_whole(file)), None)


def _is_whole(file: Path) -> bool:
    """Whether all of it can be read, of the kinds that are known here."""
    if file.suffix == ".parquet":
        return _is_parquet(file)
    with file.open("rb") as data:
        return file.suffix != ".jsonl" or all(map(_is_json, data))


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
    except ValueError:  # of JSON, or of the text's encoding
        return False
    return True
