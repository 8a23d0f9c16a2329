"""The numbers of a method that a study varies, or solves for a budget. Imports no torch."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from prunescope.errors import InputError

Stages = list[dict[str, Any]]  # as configurations write a method


def _grids(stages: Stages) -> list[dict[str, Any]]:
    criteria = [stage[key] for stage in stages for key in ("score", "always") if stage.get(key)]
    return [each["uniform"] for each in criteria if "uniform" in each]


# What holds the number, in the stages of a method: the layer and the fraction removed of each
# stage, the fraction kept (not a count), the stride of each uniform grid.
HOLDERS: dict[str, Callable[[Stages], list[dict[str, Any]]]] = {
    "layer": lambda stages: stages,
    "remove": lambda stages: [each for each in stages if "remove" in each],
    "keep": lambda stages: [each for each in stages if 0 < (each.get("keep") or 0) <= 1],
    "stride": _grids,
}


def turned(stages: Stages, knob: str, value: Any) -> Stages:
    """A copy of the stages with the knob, one of `HOLDERS`, at `value`.

    A list has a value for each holder; a single value is for all of them, but for layers, which
    must differ. Raises InputError for a knob that no stage has, and for too few or many values.
    """
    changed = deepcopy(stages)
    holders = HOLDERS[knob](changed)
    if not holders:
        raise InputError(f"no stage has a {knob}")
    values = value if isinstance(value, list) else [value]
    if not isinstance(value, list) and knob != "layer":
        values = values * len(holders)
    if len(values) != len(holders):
        raise InputError(f"{len(values)} values of {knob} for {len(holders)} stages")
    for holder, each in zip(holders, values, strict=True):
        holder[knob] = each
    return changed
