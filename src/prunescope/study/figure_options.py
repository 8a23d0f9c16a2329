"""Checks of what a study asks its figures and tables to show. No torch."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from prunescope.errors import InputError, known
from prunescope.method_names import parse
from prunescope.study import scripts

KINDS = ("figures", "tables")
LISTS = ("methods", "pairs", "lines")  # options with names of methods, nested or not
Config = Mapping[str, Any]


def check(config: Config, methods: Collection[str], source: str) -> None:
    """Raise InputError unless every figure and table has the options that it needs and no others,
    and each option names methods of the study, or families or layers of these."""
    for kind in KINDS:
        for item, options in config[kind].items():
            known(item, scripts.names(), f"{source}: {kind}")
            scripts.is_of_one_model(item)
            _check_item(options, scripts.options(item), methods, f"{source}: {kind}.{item}")


def _check_item(
    options: Config, arguments: Mapping[str, bool], methods: Collection[str], where: str
) -> None:
    for option in options:
        known(option, arguments, where)
    missing = [name for name, required in arguments.items() if required and name not in options]
    if missing:
        raise InputError(f"{where}: give {', '.join(missing)}; allowed: {sorted(arguments)}")
    for option, allowed in _allowed(options, arguments, methods).items():
        for name in _names(options, option, f"{where}.{option}"):
            known(name, allowed, f"{where}.{option}")


def _allowed(
    options: Config, arguments: Collection[str], methods: Collection[str]
) -> dict[str, Collection[str]]:
    """Allowed names by option, for options that name something of the study."""
    names = {method: parse(method) for method in methods}
    families = {*methods, *(name.stem for name in names.values())}
    allowed = dict.fromkeys([*LISTS, "fails"], methods) | {"families": families}
    if "families" in arguments:  # then layers are those of the methods <family>-k<layer>
        drawn = options.get("families", families)
        layers = {method: name.values.get("layer") for method, name in names.items()}
        allowed["layers"] = [
            layer
            for method, layer in layers.items()
            if names[method].stem in drawn and method == f"{names[method].stem}-k{layer}"
        ]
    return allowed


def _names(options: Config, option: str, where: str) -> Iterable[str]:
    """Names in the value of an option: a nested list of names, or one name for `fails`."""
    if not (value := options.get(option)):
        return []
    if option == "fails":
        return [str(value)]
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list, got {value!r}")
    return _flattened(value)


def _flattened(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _flattened(part)
    else:
        yield str(value)
