"""The parameters of a method that a study varies, or solves for a budget. No torch."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from prunescope.errors import InputError

Stages = list[dict[str, Any]]  # a method as configurations write it


def _grids(stages: Stages) -> list[dict[str, Any]]:
    criteria = [stage[key] for stage in stages for key in ("score", "always") if stage.get(key)]
    return [criterion["uniform"] for criterion in criteria if "uniform" in criterion]


# The mappings that hold a parameter, by its key: layer and fraction removed of each stage, fraction
# kept (not a count) of each stage, stride of each uniform grid.
HOLDERS: dict[str, Callable[[Stages], list[dict[str, Any]]]] = {
    "layer": lambda stages: stages,
    "remove": lambda stages: [stage for stage in stages if "remove" in stage],
    "keep": lambda stages: [stage for stage in stages if 0 < (stage.get("keep") or 0) <= 1],
    "stride": _grids,
}


def with_value(stages: Stages, knob: str, value: Any) -> Stages:
    """A copy of the stages with the parameter `knob`, a key of `HOLDERS`, set to `value`.

    A list has one value for each holder. A single value is for all holders, except for layers,
    which must differ. InputError if no stage has the parameter, or the number of values is wrong.
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
    for holder, entry in zip(holders, values, strict=True):
        holder[knob] = entry
    return changed
