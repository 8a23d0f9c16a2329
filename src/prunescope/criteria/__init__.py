"""Rules that choose which visual tokens stay: each a frozen dataclass in a file of its own."""

import sys
from dataclasses import MISSING, asdict, fields
from functools import cache
from typing import Any

from prunescope.criteria.base import Criterion, Projected, Selection, SetCriterion, Sizes, highest
from prunescope.errors import InputError
from prunescope.plugins import discover

__all__ = [
    "Criterion",
    "Projected",
    "Selection",
    "SetCriterion",
    "Sizes",
    "highest",
    "parse",
    "registry",
    "to_dict",
]


@cache
def registry() -> dict[str, type[Criterion]]:
    """Classes of criteria by name: those of this folder, and those that other packages declare as
    entry points of the group `prunescope.criteria`."""
    return discover(sys.modules[__name__], Criterion)


def parse(data: Any, where: str) -> Criterion:
    """The criterion that `{name: {hyperparameter: value}}` describes.

    where: the place in a file that begins the messages of InputError.
    """
    names = sorted(registry())
    if not isinstance(data, dict) or len(data) != 1:
        raise InputError(f"{where}: expected one of {names} and its fields, got {data!r}")
    [(name, values)] = data.items()
    if name not in names:
        raise InputError(f"{where}: unknown criterion {name!r}; known: {names}")
    criterion, values, where = registry()[name], values or {}, f"{where}.{name}"
    allowed = [field.name for field in fields(criterion)]
    if unknown := sorted(set(values) - set(allowed)):
        raise InputError(f"{where}: unknown field {unknown[0]!r}; allowed: {allowed}")
    for field in fields(criterion):
        if field.default is MISSING and field.name not in values:
            raise InputError(f"{where}: missing field {field.name!r}")
    try:
        return criterion(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def to_dict(criterion: Criterion) -> dict[str, dict[str, Any]]:
    """Plain data with every field; `parse` reads it back."""
    return {criterion.name: asdict(criterion)}
