"""One module per model family; `CASES` are all that they define."""

import importlib
import pkgutil

from helpers.families.case import Case

__all__ = ["CASES", "Case"]


def _cases() -> tuple[Case, ...]:
    modules = [
        importlib.import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
    ]
    found = [each for module in modules for each in vars(module).values() if isinstance(each, Case)]
    return tuple(sorted(found, key=lambda case: case.name))


CASES = _cases()
