"""The evaluation loop: one model, one task, all methods.

Each record is computed once. The store keeps it under a key of everything that determines it, so
that a run that was stopped continues where it was.
"""

import inspect
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from torch import nn

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.evaluation.answerer import Answerer
from prunescope.evaluation.out_of_memory import Portions
from prunescope.evaluation.side_information import possible, replayed, replays_last
from prunescope.methods import Method
from prunescope.progress import Progress
from prunescope.provenance import ENGINE, code, digest
from prunescope.pruning import check_fits
from prunescope.records.store import RecordStore, Writer
from prunescope.tasks import prompts, subset
from prunescope.tasks.card import Task
from prunescope.tasks.examples import data_digest, load_examples
from prunescope.tasks.shards import WHOLE, Shard

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
# Code that every record depends on. A record also depends on the code of its method's criteria,
# not on other criteria.
SOURCE = [code(name) for name in ENGINE if name not in ("criteria", "scores")]
SOURCE += [code("criteria") / name for name in ("__init__.py", "base.py")]

Keys = dict[str, dict[str, Any]]  # by method
# (replayed method or None, rows without a record) -> methods
Todo = dict[tuple[str | None, tuple[int, ...]], list[Method]]


def evaluate(
    checkpoint: Checkpoint,
    task: Task,
    methods: Mapping[str, Method],
    store: RecordStore,
    batch_size: int = 32,
    limit: int | None = None,
    shard: Shard = WHOLE,
) -> pa.Table:
    """Records (`store.SCHEMA`) of a shard of `limit` examples of the task, by method and example.

    Records that the store lacks are computed and appended, batch by batch; replays come last.
    Methods that need true boxes are left out where the task has none. Metadata of the table:
    `model`, and as `left_out` what the task had to leave out. InputError for a method, checkpoint
    or task that does not fit, before the model runs.
    """
    if batch_size < 1:
        raise InputError(f"batch_size: must be at least 1, got {batch_size}")
    everything = load_examples(task)
    examples = subset.take(everything, limit, task.draw)
    methods = possible(methods, task, examples)
    examples = shard.of(examples)
    keys = keys_of(checkpoint, task, methods, everything)
    todo = _todo(store, keys, methods, examples["id"])
    if todo:
        loaded = checkpoint.load()
        check_all(loaded.model, methods.values())
        answerer = Answerer(checkpoint.name, task, loaded)
        _compute(answerer, examples, todo, store, keys, batch_size, checkpoint.manifest())
    table = store.read(keys.values(), examples["id"])
    _warn_of_silence(table, task)
    metadata = {"model": checkpoint.name, "left_out": everything.info.description or ""}
    return table.replace_schema_metadata(metadata)


def check_all(model: nn.Module, methods: Iterable[Method]) -> None:
    """Raise InputError for a method that does not fit the model."""
    for method in methods:
        check_fits(method, model)


def keys_of(
    checkpoint: Checkpoint, task: Task, methods: Mapping[str, Method], examples: "Dataset"
) -> Keys:
    """The key of each method's records: plain data of everything that determines them.

    examples: all examples of the task, not only those that are asked.
    """
    common = {
        "model": {"name": checkpoint.name} | checkpoint.to_dict(),
        "task": task.to_dict(),
        "data": data_digest(examples),
    }
    parts = {
        name: {"method": method.to_dict(), "source": _source(method)}
        for name, method in methods.items()
    }
    keys = {name: {**common, **part} for name, part in parts.items()}
    for name, method in methods.items():
        if (source := replayed(method)) is not None:
            keys[name]["replayed"] = parts[source]
    return keys


def _source(method: Method) -> str:
    """Digest of the code that a record of this method depends on."""
    return _code_digest(frozenset(type(criterion) for criterion in method.criteria()))


@cache
def _code_digest(criteria: frozenset[type]) -> str:
    # The last two bases of a criterion are ABC and object.
    files = {inspect.getfile(base) for cls in criteria for base in cls.__mro__[:-2]}
    return digest(SOURCE + sorted(files))


def _todo(
    store: RecordStore, keys: Keys, methods: Mapping[str, Method], ids: Sequence[str]
) -> Todo:
    """The methods whose records the store lacks, replays last."""
    todo = defaultdict(list)
    for method in replays_last(methods):
        finished = store.finished(keys[method.name])
        rows = tuple(row for row, example in enumerate(ids) if example not in finished)
        if rows:
            todo[replayed(method), rows].append(method)
            log.info("%s: %d of %d examples to compute", method.name, len(rows), len(ids))
    return todo


def _compute(
    answerer: Answerer,
    examples: "Dataset",
    todo: Todo,
    store: RecordStore,
    keys: Keys,
    batch_size: int,
    manifest: Mapping[str, Any],
) -> None:
    """Compute missing records; append them to the store as soon as a method has
    answered a batch."""
    portions, writer = Portions(answerer.run, batch_size), Writer(store)
    total = sum(len(rows) * len(methods) for (_, rows), methods in todo.items())
    progress = Progress(total, f"{answerer.task.name}: answers")
    for (source, rows), methods in todo.items():
        missing = examples.select(rows)
        if source is not None:
            kept = store.read([keys[source]], missing["id"])["kept"].to_pylist()
            answerer.side.remember(source, missing["id"][:], [stages[-1] for stages in kept])
        processor = answerer.loaded.processor
        for batch in prompts.batches(missing, answerer.task, processor, batch_size):
            for method, records in portions.of(batch, methods):
                run_facts = {"batch_size": len(records), "out_of_memory": portions.failed}
                writer.append(keys[method.name], records, {**manifest, **run_facts})
                progress.advance(len(records))
    writer.finish()


def _warn_of_silence(records: pa.Table, task: Task) -> None:
    """Log the methods that give no valid answer at all."""
    for row in records.group_by("method").aggregate([("invalid", "min")]).to_pylist():
        if row["invalid_min"]:
            log.warning("task %r, method %r: no answer is valid", task.name, row["method"])
