"""Records on disk: appended in parts, keyed by all that determines them, resumed after a crash.

A key is plain data that spells out everything a record depends on besides its example. Each key
has one folder, called by its digest: `key.json` and Parquet parts, each called by the SHA-256 of
its bytes. A part appears whole or not at all; one that is damaged is set aside and counts as not
there.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from prunescope.errors import InputError

log = logging.getLogger(__name__)

SCHEMA = pa.schema(
    {
        "model": pa.string(),
        "task": pa.string(),
        "method": pa.string(),
        "example": pa.string(),
        "image": pa.string(),  # the unit of resampling
        "kind": pa.string(),  # sub-kind of the question
        "prediction": pa.string(),
        "target": pa.string(),
        "score": pa.float32(),  # 1 right, 0 wrong
        "iou": pa.float32(),  # NaN where no box is asked for
        "invalid": pa.bool_(),  # the prediction is no answer at all
        "target_box": pa.list_(pa.float32()),  # x1 y1 x2 y2 as fractions of the sides, or empty
        "mean_tokens": pa.float32(),  # visual tokens, mean over the decoder layers
        "kv_bytes": pa.int64(),  # when decoding starts
        "stage_layers": pa.list_(pa.int16()),
        "kept": pa.list_(pa.list_(pa.int16())),  # per stage, raster indices of the full grid
    }
)


def digest(data: Any) -> str:
    """SHA-256 of plain data: the same for equal data, whatever the order of keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class RecordStore:
    """Records under the folder `root`. Several processes may append at the same time."""

    def __init__(self, root: Path | str):
        self.root = Path(root)

    def folder(self, key: Mapping[str, Any]) -> Path:
        """Where the records of a key are, whether there are any or not."""
        return self.root / digest(key)[:24]

    def finished(self, key: Mapping[str, Any]) -> set[str]:
        """The examples that have a record."""
        return {each for part in self._parts(key) for each in part["example"].to_pylist()}

    def append(
        self,
        key: Mapping[str, Any],
        records: Sequence[Mapping[str, Any]],
        manifest: Mapping[str, Any],
    ) -> Path:
        """Write records as one new part. manifest: how they came about, kept in the part."""
        table = pa.Table.from_pylist(list(records), SCHEMA)
        folder = self.folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "key.json").exists():
            text = json.dumps(key, indent=1, sort_keys=True) + "\n"
            _write(folder / "key.json", lambda path: path.write_text(text))
        return _write_part(folder, table, [manifest])

    def read(self, keys: Iterable[Mapping[str, Any]], examples: Sequence[str]) -> pa.Table:
        """The records of these examples, one per key and example, in the order of both.

        InputError if one is missing.
        """
        if not len(examples):
            return SCHEMA.empty_table()
        wanted = pa.table({"example": examples, "rank": range(len(examples))})
        tables = [self._read_key(key, wanted) for key in keys]
        return pa.concat_tables(tables) if tables else SCHEMA.empty_table()

    def _read_key(self, key: Mapping[str, Any], wanted: pa.Table) -> pa.Table:
        parts = [part.replace_schema_metadata() for part in self._parts(key)]
        table = pa.concat_tables([SCHEMA.empty_table(), *parts])
        # Two jobs may have worked on the same example: the first record counts.
        rank = pc.index_in(table["example"], wanted["example"].combine_chunks())
        table = table.append_column("rank", rank).filter(pc.is_valid(rank))
        ranks = table["rank"].to_pylist()
        place = {rank: row for row, rank in reversed(list(enumerate(ranks)))}
        if missing := len(wanted) - len(place):
            raise InputError(f"{self.folder(key)}: {missing} of {len(wanted)} records are missing")
        return table.take([place[rank] for rank in range(len(wanted))]).drop_columns("rank")

    def folders(self) -> list[Path]:
        """One for each key that has records."""
        return sorted(each.parent for each in self.root.glob("*/key.json"))

    def _parts(self, key: Mapping[str, Any]) -> Iterator[pa.Table]:
        yield from read_parts(self.folder(key)).values()


class Writer:
    """Appends what one job computes: each batch as it is finished, but few parts in the end.

    Several thousand small files for each method would make every later look at the store slow.
    """

    def __init__(self, store: RecordStore, most: int = 64):
        self.store, self.most = store, most
        self.parts: dict[Path, list[Path]] = {}  # by folder, those written here

    def append(
        self,
        key: Mapping[str, Any],
        records: Sequence[Mapping[str, Any]],
        manifest: Mapping[str, Any],
    ) -> None:
        """As `RecordStore.append`; merges the parts of the key when there are `most`."""
        own = self.parts.setdefault(self.store.folder(key), [])
        own.append(self.store.append(key, records, manifest))
        if len(own) >= self.most:
            own[:] = [_merge(own)]

    def finish(self) -> None:
        """Leave one part for each key."""
        for own in self.parts.values():
            own[:] = [_merge(own)]


def _merge(parts: Sequence[Path]) -> Path:
    """One part in the place of several. Until they are gone, records are there twice."""
    tables = [_read_part(path) for path in parts]
    manifests = []
    for table in tables:
        for each in json.loads(table.schema.metadata[b"manifest"]):
            if each not in manifests:
                manifests.append(each)
    plain = [table.replace_schema_metadata() for table in tables]
    merged = _write_part(parts[0].parent, pa.concat_tables(plain), manifests)
    for path in set(parts) - {merged}:
        path.unlink()
    return merged


def _write_part(folder: Path, table: pa.Table, manifests: Sequence[Mapping[str, Any]]) -> Path:
    about = {"manifest": json.dumps(manifests, sort_keys=True)}
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(about), sink)
    data = sink.getvalue().to_pybytes()
    part = folder / f"{hashlib.sha256(data).hexdigest()}.parquet"
    _write(part, lambda path: path.write_bytes(data))
    return part


def read_parts(folder: Path) -> dict[Path, pa.Table]:
    """The parts of a key's folder; damaged ones are set aside, to be computed again."""
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
    if has_checksum(path) and path.stem != hashlib.sha256(data).hexdigest():
        raise OSError("its bytes are not those of its checksum")
    return pq.read_table(pa.BufferReader(data), page_checksum_verification=True)


def has_checksum(part: Path) -> bool:
    """Whether a part is called by its checksum; those of old stores have a random name."""
    return len(part.stem) == 2 * hashlib.sha256().digest_size


def _write(path: Path, write: Any) -> None:
    """Write to a neighbour, then rename: readers see the whole file or none."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")  # also where nodes share a folder
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
