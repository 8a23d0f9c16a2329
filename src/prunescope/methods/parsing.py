"""Methods as a configuration writes them."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from prunescope import criteria
from prunescope.errors import InputError
from prunescope.methods import LIBRARY
from prunescope.methods.stages import Method, Stage, number

FIELDS = ("layer", "remove", "power", "keep", "of", "score", "always", "positions", "scan")


def read_methods(path: Path | str) -> dict[str, Method]:
    """Methods by name, of a YAML file as `parse_methods` takes them."""
    if not Path(path).is_file():
        raise InputError(f"there is no file {path}")
    try:
        return parse_methods(yaml.safe_load(Path(path).read_text()), str(path))
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {error}") from None


def named_methods() -> dict[str, Method]:
    """Methods of the library by name: FastV, FEATHER, PyramidDrop, controls, and others."""
    return dict(_library())


@cache
def _library() -> dict[str, Method]:
    return read_methods(LIBRARY)


def parse_methods(mapping: Any, source: str) -> dict[str, Method]:
    """Methods of a configuration, by name. `source` (a file, say) begins the error messages.

    A method is a list of stages; a stage has `layer`, `score` and, unless its score has a count
    of its own, either `remove: R` (with `power: p`) for `int(n * (1 - R) ** p)` of the n tokens
    that are left, exactly as floats give it, or `keep`: a count or a fraction in (0, 1]; with
    `of: all` the n that the prompt began with. It may have `always`, `positions` and `scan`.
    """
    if not isinstance(mapping, dict):
        raise InputError(f"{source}: expected a mapping of method names, got {mapping!r}")
    methods = {}
    for name, stages in mapping.items():
        if not isinstance(stages, list):
            raise InputError(f"{source}: {name}: expected a list of stages, got {stages!r}")
        parsed = [_stage(data, f"{source}: {name}[{i}]") for i, data in enumerate(stages)]
        try:
            methods[name] = Method(name, tuple(parsed))
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
    return methods


def _stage(data: Any, where: str) -> Stage:
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected a mapping with the keys {list(FIELDS)}, got {data!r}")
    if unknown := sorted(set(data) - set(FIELDS)):
        raise InputError(f"{where}: unknown key {unknown[0]!r}; allowed: {list(FIELDS)}")
    if missing := [key for key in ("layer", "score") if key not in data]:
        raise InputError(f"{where}: missing key {missing[0]!r}")
    criterion = criteria.parse(data["score"], f"{where}.score")
    always = data.get("always")
    try:
        return Stage(
            layer=data["layer"],
            keep=_keep(data, where),
            criterion=criterion,
            always=None if always is None else criteria.parse(always, f"{where}.always"),
            positions=data.get("positions", "original"),
            of=data.get("of", "left"),
            scan=data.get("scan", "raster"),
        )
    except InputError as error:
        raise InputError(
            str(error) if str(error).startswith(where) else f"{where}.{error}"
        ) from None


def _keep(data: dict[str, Any], where: str) -> float | int | None:
    """(1 - remove) ** power in float arithmetic as the papers' code has it, or keep."""
    if "remove" not in data:
        if "power" in data:
            raise InputError(f"{where}.power: only goes with `remove`")
        return data.get("keep")
    if "keep" in data:
        raise InputError(f"{where}: give `remove` or `keep`, not both")
    remove = number(data["remove"], f"{where}.remove")
    power = data.get("power", 1)
    if not 0 <= remove < 1:
        raise InputError(f"{where}.remove: must lie in [0, 1), got {remove}")
    if not isinstance(power, int) or isinstance(power, bool) or power < 1:
        raise InputError(f"{where}.power: must be a whole number from 1, got {power!r}")
    return float(1 - remove) ** power
