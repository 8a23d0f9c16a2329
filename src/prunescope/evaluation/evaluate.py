"""The evaluation loop: one model, one task, all methods.

A record is computed once: it is kept in a store under a key of all that determines it, and a run
that was stopped goes on where it was.
"""

import inspect
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from torch import nn

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.evaluation import side_information
from prunescope.evaluation.answerer import Answerer
from prunescope.evaluation.out_of_memory import Portions
from prunescope.methods import Method
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
# What every record depends on; the criteria of its method come on top.
SOURCE = [code(name) for name in ENGINE if name not in ("criteria", "scores")]
SOURCE += [code("criteria") / name for name in ("__init__.py", "base.py")]

Keys = dict[str, dict[str, Any]]
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
    """The records (store.SCHEMA) of a shard of `limit` examples of the task, by method and
    example. Its metadata have the model, and as `left_out` what the task had to leave out.

    Those that the store lacks are computed, and appended batch by batch; a method that replays
    another comes after it. Methods that need true boxes are left out where the task has none.
    Raises InputError for a method, checkpoint or task that does not fit, before the model runs.
    """
    if batch_size < 1:
        raise InputError(f"batch_size: must be at least 1, got {batch_size}")
    everything = load_examples(task)
    examples = subset.take(everything, limit, task.draw)
    methods = side_information.possible(methods, task, examples)
    examples = shard.of(examples)
    keys = keys_of(checkpoint, task, methods, everything)
    todo = _todo(store, keys, methods.values(), examples["id"])
    if todo:
        model, processor = checkpoint.load()
        check_all(model, methods.values())
        answerer = Answerer(checkpoint.name, task, model, processor)
        _compute(answerer, examples, todo, store, keys, batch_size, checkpoint.manifest())
    table = store.read(keys.values(), examples["id"])
    _warn_of_silence(table, task)
    about = {"model": checkpoint.name, "left_out": everything.info.description or ""}
    return table.replace_schema_metadata(about)


def check_all(model: nn.Module, methods: Iterable[Method]) -> None:
    """Raise InputError for a method that does not fit the model."""
    for method in methods:
        check_fits(method, model)


def keys_of(
    checkpoint: Checkpoint, task: Task, methods: Mapping[str, Method], examples: "Dataset"
) -> Keys:
    """By method, all that determines its records. examples: all that the task has."""
    common = {
        "model": {"name": checkpoint.name} | checkpoint.to_dict(),
        "task": task.to_dict(),
        "data": data_digest(examples),
    }
    own = {
        name: {"method": each.to_dict(), "source": _source(each)} for name, each in methods.items()
    }
    keys = {name: {**common, **part} for name, part in own.items()}
    for name, method in methods.items():
        if (source := side_information.replayed(method)) is not None:
            keys[name]["replayed"] = own[source]
    return keys


def _source(method: Method) -> str:
    """Digest of the code that makes a record of this method; other criteria do not count."""
    criteria = {type(each) for each in method.criteria()}
    own = {inspect.getfile(base) for each in criteria for base in each.__mro__[:-2]}
    return digest(SOURCE + sorted(own))


def _todo(store: RecordStore, keys: Keys, methods: Iterable[Method], ids: Sequence[str]) -> Todo:
    """What is to be computed, in this order: by method replayed, if any, and rows, the methods."""
    todo = defaultdict(list)
    for method in sorted(methods, key=lambda each: side_information.replayed(each) is not None):
        finished = store.finished(keys[method.name])
        rows = tuple(row for row, example in enumerate(ids) if example not in finished)
        if rows:
            todo[side_information.replayed(method), rows].append(method)
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
    """Append what is to be computed to the store, each method and batch as it is finished."""
    portions, writer = Portions(answerer.run, batch_size), Writer(store)
    for (source, rows), pending in todo.items():
        chosen = examples.select(rows)
        if source is not None:
            answerer.hints.remember(source, store, keys[source], chosen["id"])
        for batch in prompts.batches(chosen, answerer.task, answerer.processor, batch_size):
            for method, records in portions.of(batch, pending):
                how = {"batch_size": len(records), "out_of_memory": portions.failed}
                writer.append(keys[method.name], records, {**manifest, **how})
    writer.finish()


def _warn_of_silence(records: pa.Table, task: Task) -> None:
    """Log the methods with which no answer can be judged."""
    for row in records.group_by("method").aggregate([("invalid", "min")]).to_pylist():
        if row["invalid_min"]:
            log.warning("task %r, method %r: no answer is valid", task.name, row["method"])
