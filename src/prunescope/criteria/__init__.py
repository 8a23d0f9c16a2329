"""Rules that choose which visual tokens stay: one file, one frozen dataclass, one rule."""

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
    "known",
    "parse",
    "to_dict",
]


@cache
def known() -> dict[str, type[Criterion]]:
    """Criteria by name: those of this folder and of the entry points `prunescope.criteria`."""
    return discover(sys.modules[__name__], Criterion)


def parse(data: Any, where: str) -> Criterion:
    """`{name: {hyperparameter: value}}` -> criterion. `where` begins the error messages."""
    if not isinstance(data, dict) or len(data) != 1:
        raise InputError(f"{where}: expected one of {sorted(known())} and its fields, got {data!r}")
    [(name, values)] = data.items()
    if name not in known():
        raise InputError(f"{where}: unknown criterion {name!r}; known: {sorted(known())}")
    values, where = values or {}, f"{where}.{name}"
    allowed = [field.name for field in fields(known()[name])]
    if unknown := sorted(set(values) - set(allowed)):
        raise InputError(f"{where}: unknown field {unknown[0]!r}; allowed: {allowed}")
    for field in fields(known()[name]):
        if field.default is MISSING and field.name not in values:
            raise InputError(f"{where}: missing field {field.name!r}")
    try:
        return known()[name](**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def to_dict(criterion: Criterion) -> dict[str, dict[str, Any]]:
    """Plain data with every field, the inverse of `parse`."""
    return {criterion.name: asdict(criterion)}
