"""The methods of a study: called by name, swept, and solved for a budget. No torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from prunescope.errors import InputError, known
from prunescope.method_names import write
from prunescope.study.parameters import HOLDERS, Stages, with_value

SWEPT = ("layer", "remove", "stride")  # keys of a sweep, in the order in which names have them
Entry = Mapping[str, Any]  # one entry of the configuration's `sweeps` or `matched`


@dataclass(frozen=True)
class Wanted:
    """A method with a parameter that is to be solved for a budget.

    stages: with any value of the parameter; knob: the parameter, a key of `HOLDERS`. The budget is
    either `share`, the mean share of visual tokens per layer (T/N), or that of the method
    `budget_of`.
    """

    name: str
    stages: Stages
    knob: str
    share: float | None = None
    budget_of: str | None = None


def fixed(
    methods: Sequence[str | Mapping[str, Stages]],
    sweeps: Sequence[Entry],
    library: Mapping[str, Stages],
    source: str,
) -> dict[str, Stages]:
    """Stages by name: of the configuration's `methods`, then of its `sweeps`.

    A point of a sweep with the stages of an earlier method is left out. InputError for a name with
    two meanings.
    """
    named: dict[str, Stages] = {}
    for entry in methods:
        if isinstance(entry, str):
            entry = {entry: library[known(entry, library, f"{source}: methods")]}
        [(name, stages)] = entry.items()
        _add(named, name, stages, f"{source}: methods")
    available = {**library, **named}
    for index, sweep in enumerate(sweeps):
        where = f"{source}: sweeps[{index}]"
        for name, stages, _ in _variations(sweep, available, where):
            if name in named or stages not in named.values():
                _add(named, name, stages, where)
    return named


def wanted(
    matched: Sequence[Entry],
    library: Mapping[str, Stages],
    methods: Mapping[str, Stages],
    source: str,
) -> list[Wanted]:
    """Methods of the configuration's `matched`, at every budget that it names.

    methods: the `fixed` ones, whose budgets may be matched. InputError for a name with two
    meanings.
    """
    named: dict[str, Any] = dict(methods)
    for index, entry in enumerate(matched):
        where = f"{source}: matched[{index}]"
        for method in _at_budgets(entry, library, methods, where):
            _add(named, method.name, method, where)
    return [method for method in named.values() if isinstance(method, Wanted)]


def _at_budgets(
    entry: Entry, library: Mapping[str, Stages], methods: Mapping[str, Stages], where: str
) -> Iterator[Wanted]:
    """Every variation of one entry of `matched`, at every budget of the entry."""
    knob = entry["knob"]
    if not entry["share"] and not entry["as"]:
        raise InputError(f"{where}: give the budgets, `share` or `as`")
    for budget_of in entry["as"]:
        known(budget_of, methods, f"{where}.as")
    for name, stages, base in _variations(entry, {**library, **methods}, where):
        if not HOLDERS[knob](stages):
            raise InputError(f"{where}.knob: no stage of {base!r} has a {knob}")
        for share in entry["share"]:
            yield Wanted(write(name, share=share), stages, knob, share=share)
        for budget_of in entry["as"]:
            yield Wanted(write(name, budget_of=budget_of), stages, knob, budget_of=budget_of)


def _add(named: dict[str, Any], name: str, method: Any, where: str) -> None:
    """Enter a method under its name; the same method may be entered again."""
    if named.setdefault(name, method) != method:
        raise InputError(
            f"{where}: there is another {name!r} already, with other stages or another budget; "
            "allowed: one method for each name"
        )


def _variations(
    entry: Entry, available: Mapping[str, Stages], where: str
) -> Iterator[tuple[str, Stages, str]]:
    """Name, stages and base of each method of an entry, at every combination of its values."""
    axes = [[(key, value) for value in entry[key]] for key in SWEPT if entry.get(key)]
    for base in entry["methods"]:
        stages = available[known(base, available, f"{where}.methods")]
        for combination in product(*axes):
            point = stages
            for key, value in combination:
                point = _varied(point, key, value, f"{where}.{key}: {value} does not fit {base!r}")
            yield write(base, **dict(combination)), point, base


def _varied(stages: Stages, knob: str, value: Any, problem: str) -> Stages:
    try:
        return with_value(stages, knob, value)
    except InputError as error:
        raise InputError(f"{problem}: {error}") from None
