"""Model families that can be pruned: one file each, on stock transformers."""

import sys
from functools import cache

from torch import nn

from prunescope.discovery import discover
from prunescope.errors import InputError
from prunescope.models.base import Family
from prunescope.models.layout import Layout, View

__all__ = ["Family", "Layout", "View", "family_of", "known"]


@cache
def known() -> dict[str, type[Family]]:
    """Families by name: those of this folder and of the entry points `prunescope.models`."""
    return discover(sys.modules[__name__], Family)


def family_of(model: nn.Module) -> Family:
    """The family that serves this model; InputError names those there are."""
    model_type = getattr(getattr(model, "config", None), "model_type", None)
    for family in known().values():
        if model_type in family.model_types:
            return family()
    served = {name: list(family.model_types) for name, family in sorted(known().items())}
    raise InputError(
        f"{type(model).__name__} (model_type {model_type!r}) is not supported; "
        f"families and their model types: {served}. "
        "A new family is one subclass of prunescope.models.Family"
    )
