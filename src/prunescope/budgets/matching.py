"""Matched budgets: the setting of a method at which it has a wanted number of visual tokens.

Methods are compared at the same mean number of tokens over the decoder layers, T. How many a
union leaves depends on the example, so T is that of a calibration split (`calibration`).
"""

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from prunescope.budgets.calibration import Calibration
from prunescope.errors import InputError
from prunescope.methods import check, parse_methods
from prunescope.study.parameters import HOLDERS, Stages, with_value
from prunescope.study.variations import Wanted

log = logging.getLogger(__name__)
COLUMNS = ["method", "like", "knob", "target", "value", "calibrated", "note"]  # of `solve`
STEPS = 10_000  # of a fraction: four decimals, finer than one of thousands of tokens


@dataclass(frozen=True)
class Match:
    """A method at a budget. value: of the knob; stages: with it; mean_tokens: T as realised, a mean
    over the calibration split; target: T as wanted."""

    name: str
    knob: str
    value: float | int
    stages: Stages
    target: float
    mean_tokens: float


def match(name: str, stages: Stages, knob: str, target: float, calibration: Calibration) -> Match:
    """The value of the knob at which T on the calibration split is closest to `target`.

    stages: of a method, as a configuration writes them; knob, one of `KNOBS`: "remove" or "keep",
    the fraction in all stages that have one; "stride", of all uniform grids. Raises InputError for
    a knob that the method lacks, and for a target that no value reaches: it says which T are.
    """
    if knob not in KNOBS:
        raise InputError(f"match: unknown knob {knob!r}; allowed: {sorted(KNOBS)}")
    if not HOLDERS[knob](stages):
        raise InputError(f"method {name!r}: no stage has a {knob} to match by")
    values = KNOBS[knob](stages, calibration.grid)

    @cache
    def realised(index: int) -> float:
        parsed = parse_methods({name: with_value(stages, knob, values[index])}, "match")[name]
        check(parsed, calibration.depth, calibration.grid)
        return float(calibration.mean_tokens(parsed).mean())

    usable = bisect_left(range(len(values)), True, key=lambda i: np.isnan(realised(i)))
    if not usable:
        raise InputError(f"method {name!r}: leaves no token at any value of {knob}")
    ceiling, floor = realised(0), realised(usable - 1)
    if not floor <= target <= ceiling:
        raise InputError(
            f"method {name!r}: {knob} reaches {floor:.1f} to {ceiling:.1f} mean tokens, "
            f"not {target:.1f}"
        )
    below = bisect_left(range(usable), -target, key=lambda i: -realised(i))
    near = range(max(0, below - 1), min(below + 1, usable))
    best = min(near, key=lambda i: abs(realised(i) - target))
    found = with_value(stages, knob, values[best])
    return Match(name, knob, values[best], found, target, realised(best))


def solve(
    wanted: Iterable[Wanted], methods: Mapping[str, Stages], calibration: Calibration
) -> tuple[dict[str, Stages], list[dict[str, Any]]]:
    """The stages of the methods that can have their budgets, by name, and a row for each wanted.

    methods: those whose budgets are wanted (`Wanted.like`). A row has of `COLUMNS` method, like,
    knob, and target and calibrated (T/N as wanted, and as it is on the calibration split) with the
    value of the knob; or note, why the budget is out of reach, which is logged, too.
    """
    found, rows = {}, []
    for each in wanted:
        row = {"method": each.name, "like": each.like, "knob": each.knob}
        try:
            target = _target(each, methods, calibration)
            row["target"] = target / calibration.tokens
            solved = match(each.name, each.stages, each.knob, target, calibration)
        except InputError as error:
            log.warning("left out: %s", error)
            rows.append(row | {"note": str(error)})
        else:
            found[each.name] = solved.stages
            share = solved.mean_tokens / calibration.tokens
            rows.append(row | {"value": solved.value, "calibrated": share})
    return found, rows


def _target(each: Wanted, methods: Mapping[str, Stages], calibration: Calibration) -> float:
    """T that it is to have."""
    if each.like is None:
        return each.share * calibration.tokens
    parsed = parse_methods({each.like: methods[each.like]}, "match")[each.like]
    tokens = float(calibration.mean_tokens(parsed).mean())
    if np.isnan(tokens):
        raise InputError(f"method {each.like!r}: a stage leaves no token, so that it has no budget")
    return tokens


def _strides(stages: Stages, grid: tuple[int, int]) -> range:
    offset = max(each.get("offset", 0) for each in HOLDERS["stride"](stages))
    return range(1 + offset, min(grid) + 1)


# The values that a knob may take, from the most tokens to the fewest.
KNOBS: dict[str, Callable[[Stages, tuple[int, int]], Sequence[float]]] = {
    "remove": lambda stages, grid: [step / STEPS for step in range(STEPS)],
    "keep": lambda stages, grid: [step / STEPS for step in range(STEPS, 0, -1)],
    "stride": _strides,
}
