"""A writer of records in a process of its own: here, since spawned processes import its module."""

from prunescope.records.store import SCHEMA, RecordStore

KEY = {"model": "m", "method": {"name": "unpruned", "stages": []}}
PARTS = 20


def record(example: str, **changes):
    empty = {"target_box": [], "stage_layers": [1], "kept": [[0, 5]], "score": 1.0}
    return (
        dict.fromkeys(SCHEMA.names) | empty | {"example": example, "method": "unpruned"} | changes
    )


def append_many(root, writer, barrier):
    """Append PARTS parts, each with a record of this writer and one that all writers have."""
    store = RecordStore(root)
    barrier.wait()
    for index in range(PARTS):
        store.append(KEY, [record(f"{writer}-{index}"), record(f"both-{index}")], {})
