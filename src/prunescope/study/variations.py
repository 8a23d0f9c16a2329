"""The methods of a study: called by name, swept, and wanted at a budget. Imports no torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from prunescope.errors import InputError, known
from prunescope.method_names import write
from prunescope.study.parameters import HOLDERS, Stages, turned

SWEPT = ("layer", "remove", "stride")  # keys of a sweep, in the order of names


@dataclass(frozen=True)
class Wanted:
    """A method whose knob is to be solved for. stages: with any value of it; share: T/N that it is
    to have; like: or the method whose T it is to have. One of these two is None."""

    name: str
    stages: Stages
    knob: str
    share: float | None = None
    like: str | None = None


def fixed(
    config: Mapping[str, Any], library: Mapping[str, Stages], source: str
) -> dict[str, Stages]:
    """Stages by name: first those of `methods`, then those of `sweeps`; a point of a sweep that has
    the stages of a method before it is left out. InputError for a name with two meanings."""
    found: dict[str, Stages] = {}
    for entry in config["methods"]:
        if isinstance(entry, str):
            entry = {entry: library[known(entry, library, f"{source}: methods")]}
        [(name, stages)] = entry.items()
        _put(found, name, stages, f"{source}: methods")
    available = {**library, **found}
    for index, sweep in enumerate(config["sweeps"]):
        where = f"{source}: sweeps[{index}]"
        for name, point, _ in _variations(sweep, available, where):
            if name in found or point not in found.values():
                _put(found, name, point, where)
    return found


def wanted(config: Mapping[str, Any], library: Mapping[str, Stages], source: str) -> list[Wanted]:
    """Those of `matched`: at every share, and at the budget of every method that they name.
    InputError for a name with two meanings."""
    methods = fixed(config, library, source)
    found: dict[str, Any] = dict(methods)
    for index, entry in enumerate(config["matched"]):
        where, knob = f"{source}: matched[{index}]", entry["knob"]
        if not entry["share"] and not entry["as"]:
            raise InputError(f"{where}: give the budgets, `share` or `as`")
        for name, point, template in _variations(entry, {**library, **methods}, where):
            if not HOLDERS[knob](point):
                raise InputError(f"{where}.knob: no stage of {template!r} has a {knob}")
            for share in entry["share"]:
                label = write(name, share=share)
                _put(found, label, Wanted(label, point, knob, share=share), where)
            for like in entry["as"]:
                known(like, methods, f"{where}.as")
                label = write(name, like=like)
                _put(found, label, Wanted(label, point, knob, like=like), where)
    return [each for each in found.values() if isinstance(each, Wanted)]


def _put(found: dict[str, Any], name: str, method: Any, where: str) -> None:
    if found.setdefault(name, method) != method:
        raise InputError(
            f"{where}: there is another {name!r} already, with other stages or another budget; "
            "allowed: one method for each name"
        )


def _variations(
    entry: Mapping[str, Any], available: Mapping[str, Stages], where: str
) -> Iterator[tuple[str, Stages, str]]:
    """Name, stages and origin of each method of a sweep with every combination of its values."""
    axes = [[(key, value) for value in entry[key]] for key in SWEPT if entry.get(key)]
    for name in entry["methods"]:
        stages = available[known(name, available, f"{where}.methods")]
        for combination in product(*axes):
            point = stages
            for key, value in combination:
                point = _turned(point, key, value, f"{where}.{key}: {value} does not fit {name!r}")
            yield write(name, **dict(combination)), point, name


def _turned(stages: Stages, knob: str, value: Any, wrong: str) -> Stages:
    try:
        return turned(stages, knob, value)
    except InputError as error:
        raise InputError(f"{wrong}: {error}") from None
