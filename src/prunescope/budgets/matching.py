"""Matched budgets: the setting at which a method has a wanted number of visual tokens.

Methods are compared at the same T, the mean number of visual tokens over the decoder layers. How
many tokens a union leaves depends on the example, so T is measured on a calibration split
(`prunescope.budgets.calibration`).
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
COLUMNS = [
    "method",
    "budget_of",
    "knob",
    "target",
    "value",
    "calibrated",
    "note",
]  # columns of the rows of `solve`
STEPS = 10_000  # fractions have four decimals: finer than one token of thousands


@dataclass(frozen=True)
class Match:
    """A method at a budget: the value of its knob, and its stages with that value.

    mean_tokens: T that the method has on the calibration split; target: T that was wanted.
    """

    name: str
    knob: str
    value: float | int
    stages: Stages
    target: float
    mean_tokens: float


def match(name: str, stages: Stages, knob: str, target: float, calibration: Calibration) -> Match:
    """The value of the knob at which T on the calibration split is closest to `target`.

    stages: of the method, as a configuration writes them. knob: a key of `KNOBS`; "remove" or
    "keep" is the fraction in all stages that have one, "stride" that of all uniform grids.
    InputError if the method lacks the knob, or no value reaches the target; it names the range.
    """
    if knob not in KNOBS:
        raise InputError(f"match: unknown knob {knob!r}; allowed: {sorted(KNOBS)}")
    if not HOLDERS[knob](stages):
        raise InputError(f"method {name!r}: no stage has a {knob} to match by")
    values = KNOBS[knob](stages, calibration.grid)

    @cache
    def realised(index: int) -> float:
        """T at a value; NaN if a stage leaves nothing. Falls as the index grows."""
        parsed = parse_methods({name: with_value(stages, knob, values[index])}, "match")[name]
        check(parsed, calibration.depth, calibration.grid)
        return float(calibration.mean_tokens(parsed).mean())

    usable = bisect_left(range(len(values)), True, key=lambda i: np.isnan(realised(i)))
    if not usable:
        raise InputError(f"method {name!r}: leaves no token at any value of {knob}")
    most, fewest = realised(0), realised(usable - 1)
    if not fewest <= target <= most:
        raise InputError(
            f"method {name!r}: {knob} reaches {fewest:.1f} to {most:.1f} mean tokens, "
            f"not {target:.1f}"
        )
    # The first value at or below the target, or the one before it, is the closest.
    below = bisect_left(range(usable), -target, key=lambda i: -realised(i))
    neighbours = range(max(0, below - 1), min(below + 1, usable))
    best = min(neighbours, key=lambda i: abs(realised(i) - target))
    changed = with_value(stages, knob, values[best])
    return Match(name, knob, values[best], changed, target, realised(best))


def solve(
    wanted: Iterable[Wanted], methods: Mapping[str, Stages], calibration: Calibration
) -> tuple[dict[str, Stages], list[dict[str, Any]]]:
    """Stages by name of the methods whose budgets can be reached, and a row for every one wanted.

    methods: those whose budgets others get (`Wanted.budget_of`). A row has columns of `COLUMNS`:
    method, budget_of, knob, target (T/N as wanted), and either value and calibrated (the value of
    the knob, and T/N on the calibration split) or note, the reason why it is out of reach. The
    reason is also logged.
    """
    solved, rows = {}, []
    for method in wanted:
        row = {"method": method.name, "budget_of": method.budget_of, "knob": method.knob}
        try:
            target = _target(method, methods, calibration)
            row["target"] = target / calibration.tokens
            result = match(method.name, method.stages, method.knob, target, calibration)
        except InputError as error:
            log.warning("left out: %s", error)
            rows.append(row | {"note": str(error)})
        else:
            solved[method.name] = result.stages
            share = result.mean_tokens / calibration.tokens
            rows.append(row | {"value": result.value, "calibrated": share})
    return solved, rows


def _target(method: Wanted, methods: Mapping[str, Stages], calibration: Calibration) -> float:
    """Wanted T of a method."""
    if method.budget_of is None:
        return method.share * calibration.tokens
    name = method.budget_of
    other = parse_methods({name: methods[name]}, "match")[name]
    tokens = float(calibration.mean_tokens(other).mean())
    if np.isnan(tokens):
        raise InputError(f"method {name!r}: a stage leaves no token, so that it has no budget")
    return tokens


def _removed(stages: Stages, grid: tuple[int, int]) -> list[float]:
    return [step / STEPS for step in range(STEPS)]


def _kept(stages: Stages, grid: tuple[int, int]) -> list[float]:
    return [step / STEPS for step in range(STEPS, 0, -1)]


def _strides(stages: Stages, grid: tuple[int, int]) -> range:
    offset = max(holder.get("offset", 0) for holder in HOLDERS["stride"](stages))
    return range(1 + offset, min(grid) + 1)


# The values that a knob may take, from the most tokens to the fewest.
KNOBS: dict[str, Callable[[Stages, tuple[int, int]], Sequence[float]]] = {
    "remove": _removed,
    "keep": _kept,
    "stride": _strides,
}
