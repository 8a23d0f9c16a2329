"""Pruning methods as data: stages, the library of named methods, and budgets of visual tokens.

Importing this package imports no torch; using `Method`, `Stage` or what parses them does.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prunescope.methods.parsing import named_methods, parse_methods, read_methods
    from prunescope.methods.stages import Method, Scan, Stage, check, check_grid

LIBRARY = Path(__file__).with_name("library.yaml")  # methods that are called by name

__all__ = [
    "LIBRARY",
    "Method",
    "Scan",
    "Stage",
    "check",
    "check_grid",
    "named_methods",
    "parse_methods",
    "read_methods",
]
_PARSING = ("named_methods", "parse_methods", "read_methods")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "parsing" if name in _PARSING else "stages"
    return getattr(import_module(f"{__name__}.{module}"), name)
