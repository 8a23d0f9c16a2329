"""Which file of a data set is broken: libraries say what is wrong with it, but not its name."""

import json
from pathlib import Path

PARQUET = b"PAR1"  # what such a file begins and ends with


def find_broken(folder: Path, pattern: str) -> Path | None:
    """The first of these files that cannot be read to its end, if there is one."""
    files = sorted(file for file in folder.glob(pattern) if file.is_file())
    return next((file for file in files if not _is_whole(file)), None)


def _is_whole(file: Path) -> bool:
    """Whether it ends as its kind does, of the kinds that are known here."""
    with file.open("rb") as data:
        if file.suffix == ".parquet":
            start = data.read(4)
            data.seek(max(0, file.stat().st_size - 4))
            return start == data.read() == PARQUET
        return file.suffix != ".jsonl" or all(map(_is_json, data))


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:  # of JSON, or of the text's encoding
        return False
    return True
