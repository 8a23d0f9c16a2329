"""Where a study's results lie, and which of them the scripts of analysis/ ask for. No torch.

A script asks by the names of the arguments of its `make`. One that asks for what is computed of one
model (`KINDS`) is run for each; its paths have the wildcard {model}. Any other is run once.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescope.errors import InputError

ANALYSIS = Path("analysis")
CARDS = "data/tasks"
KINDS = ("attention", "records", "cost", "matched")
SHOWN = {"figures": "png", "tables": "csv"}  # what a reader sees of an item
Config = Mapping[str, Any]


def folder(config: Config) -> str:
    """Of all that the study computes, but for its report."""
    return f"results/{config['name']}"


def computed(config: Config) -> dict[str, list[str]]:
    """Paths, by the argument that asks for them: `records` are those of one model, `every_records`
    those of all; `cards` are the tasks'."""
    home, shards = folder(config), range(1, config["shards"] + 1)
    parts = [f"{{model}}/{task}/{shard}" for task in config["tasks"] for shard in shards]
    of_one = {
        "attention": [f"{home}/attention/{part}.zarr" for part in parts],
        "records": [f"{home}/records/{part}.parquet" for part in parts],
        "cost": [f"{home}/cost/{{model}}.parquet"],
        "matched": [f"{home}/methods/{{model}}.csv"],
    }
    of_all = {
        f"every_{kind}": [path.format(model=model) for model in config["models"] for path in paths]
        for kind, paths in of_one.items()
    }
    return of_one | of_all | {"cards": [f"{CARDS}/{task}.yaml" for task in config["tasks"]]}


def settings(config: Config) -> dict[str, Any]:
    """What scripts may ask of the study's own settings."""
    protocols = {name: each["protocol"] for name, each in config["models"].items()}
    return {
        "bootstrap": config["bootstrap"] | {"seed": config["seed"]},
        "seed": config["seed"],
        "adjust": config["adjust"],
        "asking": {"data": config["data"], "protocols": protocols},
    }


def items(config: Config) -> list[tuple[str, str]]:
    """(kind, name) of each figure and table."""
    return [(kind, name) for kind in SHOWN for name in config[kind]]


def item_files(config: Config, kind: str, name: str) -> dict[str, str]:
    """Files that a figure or table may have, in the folder of its model, if it is of one."""
    home = f"{config['reports']}/{owner(name)}{kind}"
    return {end: f"{home}/{name}.{end}" for end in ("png", "svg", "csv")}


def owner(name: str) -> str:
    """Folder of an item in that of the report."""
    return "{model}/" if is_of_one_model(name) else ""


def asked(name: str, offered: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the `offered` that the script asks for."""
    return {each: offered[each] for each in make_arguments(name) if each in offered}


def names() -> list[str]:
    """The scripts there are."""
    return [script.stem for script in ANALYSIS.glob("*.py")]


def caption(name: str) -> str:
    """The docstring of the script analysis/<name>.py, which is not imported."""
    return ast.get_docstring(_script(name)) or ""


def options(config: Config, name: str) -> dict[str, bool]:
    """What a study may say of a figure or table, and whether it must: those arguments that are no
    results and no files of its own. The study's settings stand in for some."""
    given = computed(config).keys() | item_files(config, "figures", name).keys()
    arguments, spare = make_arguments(name), settings(config)
    return {k: needed and k not in spare for k, needed in arguments.items() if k not in given}


def make_arguments(name: str) -> dict[str, bool]:
    """The arguments of `make` in the script analysis/<name>.py, which is not imported, and whether
    they must be given."""
    for node in _script(name).body:
        if isinstance(node, ast.FunctionDef) and node.name == "make":
            args = node.args
            needed = len(args.args) - len(args.defaults)  # these come first
            named = zip(args.kwonlyargs, args.kw_defaults, strict=True)
            plain = {each.arg: i < needed for i, each in enumerate(args.args)}
            return plain | {each.arg: default is None for each, default in named}
    raise InputError(f"{ANALYSIS / name}.py: has no function `make`")


def is_of_one_model(name: str) -> bool:
    """Whether the script asks for what is computed of one model. InputError if it asks for what is
    computed of every model, too."""
    arguments = make_arguments(name)
    one = [each for each in KINDS if each in arguments]
    every = [f"every_{each}" for each in KINDS if f"every_{each}" in arguments]
    if one and every:
        raise InputError(
            f"{ANALYSIS / name}.py: `make` asks for {one} of one model and for {every}"
        )
    return bool(one)


def _script(name: str) -> ast.Module:
    return ast.parse((ANALYSIS / f"{name}.py").read_text())
