"""Side information for `prune`: true boxes, and the tokens that a replay keeps."""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import LongTensor

from prunescope.errors import InputError
from prunescope.methods import Method
from prunescope.tasks.card import Task

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)


def replayed(method: Method) -> str | None:
    """Name of the method whose kept tokens this one replays; None for most methods."""
    names = {criterion.method for criterion in method.criteria() if "kept" in criterion.needs}
    if len(names) > 1:
        raise InputError(f"method {method.name!r}: replays {sorted(names)}; one is allowed")
    return next(iter(names), None)


def replays_last(methods: Mapping[str, Method]) -> list[Method]:
    """The methods in an order in which a replay comes after the method that it replays."""
    return sorted(methods.values(), key=lambda method: replayed(method) is not None)


def needs_boxes(method: Method) -> bool:
    """Whether a criterion of the method reads the true box."""
    return any("boxes" in criterion.needs for criterion in method.criteria())


def possible(methods: Mapping[str, Method], task: Task, examples: "Dataset") -> dict[str, Method]:
    """The methods that a task allows. Where an example has no true box, methods that need boxes
    are left out, and so are their replays; the log names them.

    InputError for a replay of an unknown method, and if no method is left.
    """
    for method in methods.values():
        if (source := replayed(method)) is not None:
            _check_replay(method.name, source, methods)
    boxless = _without_boxes(examples)
    blind = {name for name, method in methods.items() if boxless and needs_boxes(method)}
    allowed = {
        name: method for name, method in methods.items() if not blind & {name, replayed(method)}
    }
    if skipped := sorted(set(methods) - set(allowed)):
        log.warning(
            "task %r: %d of %d examples have no true box, the first is %r: skipped %s",
            task.name, len(boxless), len(examples), boxless[0], skipped,
        )  # fmt: skip
    if not allowed:
        raise InputError(f"task {task.name!r}: none of the methods {sorted(methods)} is possible")
    return allowed


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


class SideInformation:
    """Gives `prune` its keyword arguments, batch by batch, and remembers what methods kept."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, LongTensor]] = {}  # method -> example -> raster indices

    def remember(
        self, method: str, examples: Sequence[str], kept: Sequence[Sequence[int] | LongTensor]
    ) -> None:
        """Store the raster indices that the last stage of a method kept of each example."""
        indices = [torch.as_tensor(row, dtype=torch.long) for row in kept]
        self._kept.setdefault(method, {}).update(zip(examples, indices, strict=True))

    def of(self, method: Method, batch: "Dataset") -> dict[str, Any]:
        """Keyword arguments of `prune` for a batch. A replayed method must be remembered first."""
        arguments: dict[str, Any] = {}
        if needs_boxes(method):
            arguments["boxes"] = torch.tensor(batch["box"][:])
        if (source := replayed(method)) is not None:
            arguments["kept"] = [self._kept[source][example] for example in batch["id"]]
        return arguments
