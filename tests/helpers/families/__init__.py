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
    values = [value for module in modules for value in vars(module).values()]
    cases = [value for value in values if isinstance(value, Case)]
    return tuple(sorted(cases, key=lambda case: case.name))


CASES = _cases()
