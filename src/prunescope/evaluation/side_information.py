"""What an evaluation tells criteria that the model cannot: true boxes, and what was kept before."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import LongTensor

from prunescope.errors import InputError
from prunescope.methods import Method
from prunescope.records.store import RecordStore
from prunescope.tasks.card import Task

if TYPE_CHECKING:
    from datasets import Dataset


log = logging.getLogger(__name__)


def replayed(method: Method) -> str | None:
    """The name of the method whose kept tokens it replays; None for most methods."""
    names = {each.method for each in method.criteria() if "kept" in each.needs}
    if len(names) > 1:
        raise InputError(f"method {method.name!r}: replays {sorted(names)}; one is allowed")
    return next(iter(names), None)


def possible(methods: Mapping[str, Method], task: Task, examples: "Dataset") -> dict[str, Method]:
    """Those of the methods that can be told what they need; which cannot is logged.

    Raises InputError for a replay of what this study does not know, and if no method is left.
    """
    for method in methods.values():
        if (source := replayed(method)) is not None:
            _check_replay(method.name, source, methods)
    without = _without_boxes(examples)
    blind = {name for name, each in methods.items() if without and needs_boxes(each)}
    left = {name: each for name, each in methods.items() if not blind & {name, replayed(each)}}
    if skipped := sorted(set(methods) - set(left)):
        log.warning(
            "task %r: %d of %d examples have no true box, the first is %r: skipped %s",
            task.name, len(without), len(examples), without[0], skipped,
        )  # fmt: skip
    if not left:
        raise InputError(f"task {task.name!r}: none of the methods {sorted(methods)} is possible")
    return left


def _without_boxes(examples: "Dataset") -> list[str]:
    boxes = zip(examples["id"], examples["box"], strict=True)
    return [example for example, box in boxes if len(box) != 4]


def _check_replay(name: str, source: str, methods: Mapping[str, Method]) -> None:
    if source not in methods:
        known = sorted(set(methods) - {name})
        raise InputError(f"method {name!r}: replays {source!r}, not one of the study: {known}")
    if not methods[source].stages:
        raise InputError(f"method {name!r}: replays {source!r}, which keeps all tokens")
    if replayed(methods[source]) is not None:
        raise InputError(f"method {name!r}: replays {source!r}, which is itself a replay")


def needs_boxes(method: Method) -> bool:
    """Whether it has to know where the target is."""
    return any("boxes" in each.needs for each in method.criteria())


class Hints:
    """What `prune` is to be told besides the method, batch by batch."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, LongTensor]] = {}  # method -> example -> raster indices

    def remember(
        self, method: str, store: RecordStore, key: Mapping[str, Any], ids: Sequence[str]
    ) -> None:
        """What a method that is finished for these examples kept of them in its last stage."""
        records = store.read([key], ids).select(["example", "kept"]).to_pylist()
        self._kept[method] = {
            each["example"]: torch.tensor(each["kept"][-1], dtype=torch.long) for each in records
        }

    def of(self, method: Method, batch: "Dataset") -> dict[str, Any]:
        """Keyword arguments of `prune` for a batch of examples."""
        hints: dict[str, Any] = {}
        if needs_boxes(method):
            hints["boxes"] = torch.tensor(batch["box"][:])
        if (source := replayed(method)) is not None:
            hints["kept"] = [self._kept[source][example] for example in batch["id"]]
        return hints
