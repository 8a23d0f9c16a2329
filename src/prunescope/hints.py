"""What an evaluation tells criteria that the model cannot: true boxes, and what was kept before."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import LongTensor

from prunescope.errors import InputError
from prunescope.methods import Method
from prunescope.store import RecordStore
from prunescope.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset


def replayed(method: Method) -> str | None:
    """The name of the method whose kept tokens it replays; None for most methods."""
    names = {each.method for each in method.criteria() if "kept" in each.needs}
    if len(names) > 1:
        raise InputError(f"method {method.name!r}: replays {sorted(names)}; one is allowed")
    return next(iter(names), None)


def check(methods: Mapping[str, Method], task: Task, examples: "Dataset") -> None:
    """Raise InputError if a method needs to be told what this task or study does not know."""
    for method in methods.values():
        if (source := replayed(method)) is not None:
            _check_replay(method.name, source, methods)
        if needs_boxes(method):
            lacking = [i for i, box in enumerate(examples["box"]) if len(box) != 4]
            if lacking:
                raise InputError(
                    f"method {method.name!r}: needs a true box for every example; task "
                    f"{task.name!r} has none for {len(lacking)} of {len(examples)}, the first "
                    f"being {examples['id'][lacking[0]]!r}"
                )


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
