"""Records on disk: appended in parts, keyed by all that determines them, resumed after a crash.

A key is plain data that states everything a record depends on besides its example. Each key has one
folder, named by the key's digest, with `key.json` and Parquet files (`prunescope.records.parts`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from prunescope.errors import InputError
from prunescope.records.parts import merge_parts, read_parts, write_part, write_whole

SCHEMA = pa.schema(
    {
        "model": pa.string(),
        "task": pa.string(),
        "method": pa.string(),
        "example": pa.string(),
        "image": pa.string(),  # the unit that is resampled
        "kind": pa.string(),  # kind of question within the task
        "prediction": pa.string(),
        "target": pa.string(),
        "score": pa.float32(),  # 1 right, 0 wrong
        "iou": pa.float32(),  # NaN where the task asks for no box
        "invalid": pa.bool_(),  # the prediction cannot be read as an answer
        "target_box": pa.list_(pa.float32()),  # x1 y1 x2 y2 as fractions of the sides; or empty
        "mean_tokens": pa.float32(),  # visual tokens, mean over the decoder layers
        "kv_bytes": pa.int64(),  # when decoding starts
        "stage_layers": pa.list_(pa.int16()),
        "kept": pa.list_(pa.list_(pa.int16())),  # per stage, raster indices of the full grid
    }
)


def key_digest(key: Any) -> str:
    """SHA-256 of a key; equal for equal data, in whatever order mappings have their keys."""
    text = json.dumps(key, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class RecordStore:
    """Records under the folder `root`. Several processes may append at the same time."""

    def __init__(self, root: Path | str):
        self.root = Path(root)

    def folder(self, key: Mapping[str, Any]) -> Path:
        """Folder for the records of a key; it need not exist."""
        return self.root / key_digest(key)[:24]

    def folders(self) -> list[Path]:
        """One folder for each key that has records."""
        return sorted(path.parent for path in self.root.glob("*/key.json"))

    def finished(self, key: Mapping[str, Any]) -> set[str]:
        """The examples that have a record."""
        return {example for part in self._parts(key) for example in part["example"].to_pylist()}

    def append(
        self,
        key: Mapping[str, Any],
        records: Sequence[Mapping[str, Any]],
        manifest: Mapping[str, Any],
    ) -> Path:
        """Write records as one new part. manifest: how they were computed, kept in the part."""
        table = pa.Table.from_pylist(list(records), SCHEMA)
        folder = self.folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "key.json").exists():
            text = json.dumps(key, indent=1, sort_keys=True) + "\n"
            write_whole(folder / "key.json", lambda path: path.write_text(text))
        return write_part(folder, table, [manifest])

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
        # rank: place of a record's example among the wanted ones
        rank = pc.index_in(table["example"], wanted["example"].combine_chunks())
        table = table.append_column("rank", rank).filter(pc.is_valid(rank))
        ranks = table["rank"].to_pylist()
        # Two jobs may have answered the same example. Reversed, so that the first record counts.
        rows = {rank: row for row, rank in reversed(list(enumerate(ranks)))}
        if missing := len(wanted) - len(rows):
            raise InputError(f"{self.folder(key)}: {missing} of {len(wanted)} records are missing")
        return table.take([rows[rank] for rank in range(len(wanted))]).drop_columns("rank")

    def _parts(self, key: Mapping[str, Any]) -> Iterator[pa.Table]:
        yield from read_parts(self.folder(key)).values()


class Writer:
    """Appends the records of one job. Each batch is stored as soon as it is finished, but few parts
    remain: several thousand small files per method would slow down every later look at the store.
    """

    def __init__(self, store: RecordStore, most: int = 64):
        self.store, self.most = store, most
        self.parts: dict[Path, list[Path]] = {}  # by folder, the parts written by this job

    def append(
        self,
        key: Mapping[str, Any],
        records: Sequence[Mapping[str, Any]],
        manifest: Mapping[str, Any],
    ) -> None:
        """Append as `RecordStore.append` does; merge the key's parts when there are `most`."""
        parts = self.parts.setdefault(self.store.folder(key), [])
        parts.append(self.store.append(key, records, manifest))
        if len(parts) >= self.most:
            parts[:] = [merge_parts(parts)]

    def finish(self) -> None:
        """Leave one part for each key."""
        for parts in self.parts.values():
            parts[:] = [merge_parts(parts)]
