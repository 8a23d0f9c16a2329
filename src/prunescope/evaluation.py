"""The evaluation loop: one model, one task, all methods.

A record is computed once: it is kept in a store under a key of all that determines it, and a run
that was stopped goes on where it was.
"""

import inspect
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from torch import nn
from transformers import ProcessorMixin

from prunescope import hints, tasks
from prunescope.checkpoint import Checkpoint
from prunescope.decoding import greedy
from prunescope.methods import Method, check
from prunescope.models import family_of
from prunescope.provenance import ENGINE, HERE, digest
from prunescope.pruning import Trace
from prunescope.sharing import Tree
from prunescope.store import RecordStore
from prunescope.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
# What every record depends on; the criteria of its method come on top.
ELSEWHERE = ("criteria", "attention.py", "extraction.py")
SOURCE = [path for path in ENGINE if path.name not in ELSEWHERE]
SOURCE += [HERE / "criteria" / name for name in ("__init__.py", "base.py")]


def evaluate(
    checkpoint: Checkpoint,
    task: Task,
    methods: Mapping[str, Method],
    store: RecordStore,
    batch_size: int = 32,
    limit: int | None = None,
) -> pa.Table:
    """The records (store.SCHEMA) of the task's first `limit` examples, by method and example.

    Those that the store lacks are computed, and appended batch by batch; a method that replays
    another comes after it. Raises InputError for a method, checkpoint or task that does not fit,
    before the model runs.
    """
    everything = tasks.load(task)
    examples = tasks.first(everything, limit)
    hints.check(methods, task, examples)
    keys = _keys(checkpoint, task, methods, tasks.data_digest(everything))
    todo = _todo(store, keys, methods.values(), examples["id"])
    if todo:
        model, processor = checkpoint.load()
        check_all(model, methods.values())
        evaluator = _Evaluator(checkpoint, task, model, processor)
        manifest = checkpoint.manifest()
        for (source, rows), pending in todo.items():
            if source is not None:
                ids = examples.select(rows)["id"]
                evaluator.hints.remember(source, store, keys[source], ids)
            for batch in tasks.batches(examples.select(rows), task, processor, batch_size):
                for method, records in evaluator.run(batch, pending):
                    store.append(keys[method.name], records, manifest)
    return store.read(keys.values(), examples["id"])


def check_all(model: nn.Module, methods: Iterable[Method]) -> None:
    """Raise InputError for a method that does not fit the model."""
    family = family_of(model)
    for method in methods:
        check(method, len(family.decoder(model).layers), family.grid(model))


def _keys(
    checkpoint: Checkpoint, task: Task, methods: Mapping[str, Method], data: str
) -> dict[str, dict[str, Any]]:
    """By method, all that determines its records."""
    common = {
        "model": {"name": checkpoint.name} | checkpoint.to_dict(),
        "task": task.to_dict(),
        "data": data,
    }
    own = {
        name: {"method": each.to_dict(), "source": _source(each)} for name, each in methods.items()
    }
    keys = {name: {**common, **part} for name, part in own.items()}
    for name, method in methods.items():
        if (source := hints.replayed(method)) is not None:
            keys[name]["replayed"] = own[source]
    return keys


def _source(method: Method) -> str:
    """Digest of the code that makes a record of this method; other criteria do not count."""
    criteria = {type(each) for each in method.criteria()}
    own = {inspect.getfile(base) for each in criteria for base in each.__mro__[:-2]}
    return digest(SOURCE + sorted(own))


def _todo(
    store: RecordStore,
    keys: Mapping[str, Mapping[str, Any]],
    methods: Iterable[Method],
    ids: Sequence[str],
) -> dict[tuple[str | None, tuple[int, ...]], list[Method]]:
    """What is to be computed, in this order: by method replayed, if any, and rows, the methods."""
    todo = defaultdict(list)
    for method in sorted(methods, key=lambda each: hints.replayed(each) is not None):
        finished = store.finished(keys[method.name])
        rows = tuple(row for row, example in enumerate(ids) if example not in finished)
        if rows:
            todo[hints.replayed(method), rows].append(method)
            log.info("%s: %d of %d examples to compute", method.name, len(rows), len(ids))
    return todo


class _Evaluator:
    """Answers batches of a task with a loaded model."""

    def __init__(
        self, checkpoint: Checkpoint, task: Task, model: nn.Module, processor: ProcessorMixin
    ):
        self.checkpoint, self.task = checkpoint, task
        self.model, self.processor = model, processor
        self.decoder = family_of(model).decoder(model)
        self.hints = hints.Hints()

    @torch.inference_mode()
    def run(
        self, batch: "Dataset", methods: Sequence[Method]
    ) -> Iterator[tuple[Method, list[dict[str, Any]]]]:
        """The records of a batch, method by method."""
        inputs = tasks.prompts(batch, self.task, self.processor).to(
            self.model.device, self.model.dtype
        )
        examples = batch.remove_columns("image").to_list()
        tree = Tree(self.model, methods)
        for method in tree.methods:
            with tree.prune(method, **self.hints.of(method, batch)) as trace:
                tokens = greedy(self.model, inputs, self.task.max_new_tokens)
            answers = self.processor.batch_decode(tokens, skip_special_tokens=True)
            yield method, self._records(examples, method, trace, answers)

    def _records(
        self, examples: list[dict[str, Any]], method: Method, trace: Trace, answers: list[str]
    ) -> list[dict[str, Any]]:
        depth = len(self.decoder.layers)
        full = [int(each) for each in (trace.segments[0].raster >= 0).sum(1)]
        stages = [[tokens.tolist() for tokens in stage] for stage in trace.kept]
        kv_bytes = token_bytes(self.model) * np.sum(trace.kv_lengths, axis=0)
        labels = {"model": self.checkpoint.name, "task": self.task.name, "method": method.name}
        records = []
        for row, (example, answer) in enumerate(zip(examples, answers, strict=True)):
            kept = [stage[row] for stage in stages]
            cost = {
                "mean_tokens": method.mean_tokens([len(each) for each in kept], full[row], depth),
                "kv_bytes": int(kv_bytes[row]),
                "stage_layers": method.layers(depth),
                "kept": kept,
            }
            records.append(labels | _judged(self.task, example, answer.strip()) | cost)
        return records


def token_bytes(model: nn.Module) -> int:
    """Size of one token in the KV cache of one layer: a key and a value."""
    decoder = family_of(model).decoder(model)
    head_dim = decoder.layers[0].self_attn.head_dim
    return 2 * decoder.config.num_key_value_heads * head_dim * model.dtype.itemsize


def _judged(task: Task, example: Mapping[str, Any], answer: str) -> dict[str, Any]:
    verdict = task.metric.judge(answer, example["answer"], example["box"])
    return {
        "example": example["id"],
        "image": example["image_id"],
        "kind": example["kind"],
        "prediction": answer,
        "target": example["answer"],
        "target_box": example["box"],
        **verdict._asdict(),
    }
