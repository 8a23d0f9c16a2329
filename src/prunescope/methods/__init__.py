"""Pruning methods as data: stages, the library of named methods, budgets of visual tokens.

Importing this package imports no torch; using `Method`, `Stage` or what parses them does.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prunescope.methods.method import Method, check, check_grid
    from prunescope.methods.parsing import named_method, named_methods, parse_methods, read_methods
    from prunescope.methods.stages import Scan, Stage

LIBRARY = Path(__file__).with_name("library.yaml")  # methods that are called by name

__all__ = [
    "LIBRARY",
    "Method",
    "Scan",
    "Stage",
    "check",
    "check_grid",
    "named_method",
    "named_methods",
    "parse_methods",
    "read_methods",
]
_MODULES = {"Method": "method", "Scan": "stages", "Stage": "stages"}
_MODULES |= {"check": "method", "check_grid": "method"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'parsing')}"), name)
