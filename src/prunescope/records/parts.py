"""Parquet files of a key's folder. Each is named by the SHA-256 of its bytes, appears whole or not
at all, and is set aside when it is damaged."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

log = logging.getLogger(__name__)


def write_part(folder: Path, table: pa.Table, manifests: Sequence[Mapping[str, Any]]) -> Path:
    """Write records as a new part. manifests: how they were computed, kept in its metadata."""
    metadata = {"manifest": json.dumps(manifests, sort_keys=True)}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    data = sink.getvalue().to_pybytes()
    part = folder / f"{hashlib.sha256(data).hexdigest()}.parquet"
    write_whole(part, lambda path: path.write_bytes(data))
    return part


def read_parts(folder: Path) -> dict[Path, pa.Table]:
    """The intact parts of a folder. Damaged parts are renamed, so that they count as absent."""
    parts = {}
    for path in sorted(folder.glob("*.parquet")):
        try:
            parts[path] = _read_part(path)
        except FileNotFoundError:  # another job has merged it with others
            return read_parts(folder)
        except (OSError, pa.ArrowException) as error:
            aside = path.with_suffix(".corrupt")
            with suppress(FileNotFoundError):  # another job was faster
                path.rename(aside)
            log.warning("%s is damaged (%s): set aside, to be computed again", aside, error)
    return parts


def _read_part(path: Path) -> pa.Table:
    data = path.read_bytes()
    if path.stem != hashlib.sha256(data).hexdigest():
        raise OSError("its bytes do not have the SHA-256 of its name")
    return pq.read_table(pa.BufferReader(data), page_checksum_verification=True)


def merge_parts(parts: Sequence[Path]) -> Path:
    """Replace several parts by one. Until they are deleted, their records are stored twice."""
    tables = [_read_part(path) for path in parts]
    manifests = []
    for table in tables:
        for manifest in json.loads(table.schema.metadata[b"manifest"]):
            if manifest not in manifests:
                manifests.append(manifest)
    plain = [table.replace_schema_metadata() for table in tables]
    merged = write_part(parts[0].parent, pa.concat_tables(plain), manifests)
    for path in set(parts) - {merged}:
        path.unlink()
    return merged


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Write to a file beside `path` and rename it: readers see the whole file or none."""
    # The random name keeps processes apart, even on several nodes with one folder.
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
