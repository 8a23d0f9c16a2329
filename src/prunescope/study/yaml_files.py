"""YAML files of settings: read, merged with the file they extend, and checked by a schema."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from prunescope.errors import InputError
from prunescope.schemas import violation

Config = dict[str, Any]


def checked(config: Mapping[str, Any], schema: Path, source: str) -> Config:
    """The settings, merged with those they extend, with the schema's defaults.

    InputError names `source`, the key and what is allowed, if the schema does not hold.
    """
    rules = read(schema)
    full = with_defaults(_extended(dict(config), source), rules)
    if problem := violation(full, rules):
        raise InputError(f"{source}: {problem}")
    return full


def read(path: Path | str) -> Any:
    """Content of a YAML file. InputError if there is no such file, or it is not YAML."""
    if not Path(path).is_file():
        raise InputError(f"there is no file {path}")
    try:
        return yaml.safe_load(Path(path).read_text())
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not YAML: {error}") from None


def _extended(config: Config, source: str, extending: tuple[str, ...] = ()) -> Config:
    """The configuration merged with the file that it `extends`.

    extending: files that extend each other down to this one, to find a circle.
    """
    path = config.get("extends")
    if not isinstance(path, str):  # the schema reports any other type
        return deepcopy(config)
    if path in extending:
        raise InputError(f"{source}: extends: {' -> '.join([*extending, path])} is a circle")
    base = read(path)
    if not isinstance(base, dict):
        raise InputError(f"{source}: extends: {path} is no study")
    return _merged(_extended(base, path, (*extending, path)), config)


def _merged(base: Config, changes: Config) -> Config:
    """Mappings merge key by key; other values replace those of `base`, and null removes a key."""
    merged = {**base}
    for key, value in changes.items():
        mappings = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if mappings else deepcopy(value)
    return {key: value for key, value in merged.items() if value is not None}


def with_defaults(value: Any, schema: Mapping[str, Any]) -> Any:
    """Fill in the schema's defaults at every level, in place."""
    if isinstance(value, dict):
        for key, part in schema.get("properties", {}).items():
            if "default" in part:
                value.setdefault(key, deepcopy(part["default"]))
        parts, rest = schema.get("properties", {}), schema.get("additionalProperties")
        for key, child in value.items():
            with_defaults(child, parts.get(key, rest or {}))
    elif isinstance(value, list):
        for child in value:
            with_defaults(child, schema.get("items", {}))
    return value
