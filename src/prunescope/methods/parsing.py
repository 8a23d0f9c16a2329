"""Methods as YAML writes them, and the library of named methods."""

from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

import yaml

from prunescope import criteria
from prunescope.errors import InputError, known
from prunescope.methods import LIBRARY
from prunescope.methods.method import Method
from prunescope.methods.stages import Stage

KEYS = tuple(signature(Stage).parameters)  # keys of a stage


def named_methods() -> dict[str, Method]:
    """Methods of the library by name: FastV, FEATHER, PyramidDrop, controls, and others."""
    return dict(_library())


def named_method(name: str) -> Method:
    """A method of the library. InputError suggests the closest name for an unknown one."""
    return _library()[known(name, _library(), "method")]


@cache
def _library() -> dict[str, Method]:
    return read_methods(LIBRARY)


def read_methods(path: Path | str) -> dict[str, Method]:
    """Methods of a YAML file by name, in the form that `parse_methods` takes."""
    if not Path(path).is_file():
        raise InputError(f"there is no file {path}")
    try:
        return parse_methods(yaml.safe_load(Path(path).read_text()), str(path))
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {error}") from None


def parse_methods(mapping: Any, source: str) -> dict[str, Method]:
    """Methods of a mapping `{name: [stage, ...]}` by name.

    A stage is a mapping with the arguments of `Stage`; criteria are `{name: {argument: value}}`.
    source: the file or place that begins messages of InputError.
    """
    if not isinstance(mapping, dict):
        raise InputError(f"{source}: expected a mapping of method names, got {mapping!r}")
    methods = {}
    for name, stages in mapping.items():
        if not isinstance(stages, list):
            raise InputError(f"{source}: {name}: expected a list of stages, got {stages!r}")
        parsed = [_stage(data, f"{source}: {name}[{i}]") for i, data in enumerate(stages)]
        try:
            methods[name] = Method(parsed, name)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None
    return methods


def _stage(data: Any, where: str) -> Stage:
    if not isinstance(data, dict):
        raise InputError(f"{where}: expected a mapping with the keys {list(KEYS)}, got {data!r}")
    if unknown := sorted(set(data) - set(KEYS)):
        raise InputError(f"{where}: unknown key {unknown[0]!r}; allowed: {list(KEYS)}")
    if missing := [key for key in ("layer", "score") if key not in data]:
        raise InputError(f"{where}: missing key {missing[0]!r}")
    parsed = {
        key: criteria.parse(data[key], f"{where}.{key}")
        for key in ("score", "always")
        if data.get(key) is not None or key == "score"
    }
    try:
        return Stage(**data | parsed)
    except InputError as error:
        raise InputError(f"{where}.{error}") from None
