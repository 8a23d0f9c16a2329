"""What a study asks its figures and tables to show, checked before anything runs. No torch."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from prunescope.errors import InputError, known
from prunescope.study import paths

LISTS = ("methods", "pairs", "lines", "blocks")  # of methods, or of lists of them
VALUES = re.compile(r"(-[krsot][0-9.+]+)*(-as-.+)?$")  # of a sweep or a budget, in a name
LAYER = re.compile(r"(.+)-k([0-9.]+)")
Config = Mapping[str, Any]


def check(config: Config, methods: Collection[str], source: str) -> None:
    """Raise InputError unless every figure and table has the options that it needs and no others,
    and what these name is one of the study's `methods`, or a family or layer of some."""
    for kind, item in paths.items(config):
        known(item, paths.names(), f"{source}: {kind}")
        paths.is_of_one_model(item)
        where, options = f"{source}: {kind}.{item}", config[kind][item]
        arguments = paths.options(config, item)
        _check_arguments(options, arguments, where)
        for option, allowed in _allowed(options, arguments, methods).items():
            for name in _names(options, option, f"{where}.{option}"):
                known(name, allowed, f"{where}.{option}")


def _check_arguments(options: Config, arguments: Mapping[str, bool], where: str) -> None:
    for option in options:
        known(option, arguments, where)
    missing = [each for each, needed in arguments.items() if needed and each not in options]
    if missing:
        raise InputError(f"{where}: give {', '.join(missing)}; allowed: {sorted(arguments)}")


def _allowed(
    options: Config, arguments: Collection[str], methods: Collection[str]
) -> dict[str, Collection[str]]:
    """What each option that names something of the study may name."""
    families = {*methods, *(VALUES.sub("", method) for method in methods)}
    allowed = dict.fromkeys([*LISTS, "fails"], methods) | {"families": families}
    if "families" in arguments:  # then layers are those of the methods <family>-k<layer>
        found = filter(None, map(LAYER.fullmatch, methods))
        drawn = options.get("families", families)
        allowed["layers"] = list(dict.fromkeys(each[2] for each in found if each[1] in drawn))
    return allowed


def _names(options: Config, option: str, where: str) -> Iterable[str]:
    """What the option names, in lists in lists or, of `fails`, by itself."""
    if not (value := options.get(option)):
        return []
    if option == "fails":
        return [str(value)]
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list, got {value!r}")
    return _flat(value)


def _flat(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _flat(each)
    else:
        yield str(value)
