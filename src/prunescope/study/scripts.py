"""The scripts of analysis/, read without importing them: arguments of `make`, and captions.

A script asks for results by the names of the arguments of its `make`. A script that asks for
results of one model (`RESULTS`) is run for each model. Any other script is run once.
"""

import ast
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prunescope.errors import InputError

ANALYSIS = Path("analysis")
RESULTS = (
    "attention",
    "records",
    "operations",
    "timing",
    "matched",
)  # of one model; `every_...` of all models
SHARED = ("probes", "cards", "courses")  # of the study
FILES = ("png", "svg", "pdf", "csv")  # that a script may write
SETTINGS = ("bootstrap", "seed", "adjust", "asking")  # of the study, which figures may override


def names() -> list[str]:
    """Names of the scripts."""
    return [script.stem for script in ANALYSIS.glob("*.py")]


def caption(name: str) -> str:
    """Docstring of a script."""
    return ast.get_docstring(_script(name)) or ""


def arguments(name: str) -> dict[str, bool]:
    """Arguments of the script's `make`, and whether each must be given."""
    args = _make(name).args
    required = len(args.args) - len(args.defaults)  # arguments with defaults come last
    keywords = zip(args.kwonlyargs, args.kw_defaults, strict=True)
    positional = {arg.arg: index < required for index, arg in enumerate(args.args)}
    return positional | {arg.arg: default is None for arg, default in keywords}


def options(name: str) -> dict[str, bool]:
    """Arguments that a study may set for a figure or table, and whether it must.

    Results and files are not among them. The study's settings need not be repeated.
    """
    given = {*RESULTS, *(f"every_{result}" for result in RESULTS), *SHARED, *FILES}
    return {
        argument: required and argument not in SETTINGS
        for argument, required in arguments(name).items()
        if argument not in given
    }


def select(name: str, offered: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of `offered` that are arguments of the script."""
    return {argument: offered[argument] for argument in arguments(name) if argument in offered}


def is_of_one_model(name: str) -> bool:
    """Whether the script asks for results of one model. InputError if it also asks for results of
    every model."""
    given = arguments(name)
    one = [result for result in RESULTS if result in given]
    every = [f"every_{result}" for result in RESULTS if f"every_{result}" in given]
    if one and every:
        raise InputError(
            f"{ANALYSIS / name}.py: `make` asks for {one} of one model and for {every}"
        )
    return bool(one)


def _make(name: str) -> ast.FunctionDef:
    """The script's `make`, which it may import from a module of the package under that name."""
    script = _script(name)
    functions = {node.name: node for node in script.body if isinstance(node, ast.FunctionDef)}
    for node in script.body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else []:
            if alias.asname == "make":
                recipes = ast.parse(Path(find_spec(node.module).origin).read_text())
                return next(n for n in recipes.body if getattr(n, "name", "") == alias.name)
    if "make" not in functions:
        raise InputError(f"{ANALYSIS / name}.py: has no function `make`")
    return functions["make"]


def _script(name: str) -> ast.Module:
    return ast.parse((ANALYSIS / f"{name}.py").read_text())
