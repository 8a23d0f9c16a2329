"""Families of models that can be pruned, on the stock classes of transformers; one file each."""

import sys
from functools import cache

from torch import nn

from prunescope.errors import InputError
from prunescope.models.base import Family
from prunescope.models.layout import Layout, View
from prunescope.plugins import discover

__all__ = ["Family", "Layout", "View", "family_of", "registry", "serving"]


@cache
def registry() -> dict[str, type[Family]]:
    """Classes of families by name: those of this folder, and those that other packages declare as
    entry points of the group `prunescope.models`."""
    return discover(sys.modules[__name__], Family)


def family_of(model: nn.Module) -> Family:
    """The family that serves a model. InputError lists the families, and what a new one defines."""
    model_type = getattr(getattr(model, "config", None), "model_type", None)
    return serving(model_type, type(model).__name__)


def serving(model_type: str | None, model: str) -> Family:
    """The family that serves a `model_type`; model: the name that messages of InputError use."""
    families = [family for family in registry().values() if model_type in family.model_types]
    if len(families) > 1:
        names = sorted(family.name for family in families)
        raise InputError(f"model_type {model_type!r} is served by several families: {names}")
    if not families:
        raise InputError(f"{model} (model_type {model_type!r}) {_unsupported()}")
    return families[0]()


def _unsupported() -> str:
    """The end of the message for a model that no family serves."""
    served = {name: list(family.model_types) for name, family in sorted(registry().items())}
    must = sorted(Family.__abstractmethods__)
    methods = [name for name, value in vars(Family).items() if callable(value) and name[0] != "_"]
    return (
        f"is not supported; families and their model types: {served}. A new family is a subclass "
        f"of prunescope.models.Family with `name`, `model_types` and the methods {must}; it may "
        f"override {[name for name in methods if name not in must]}, whose defaults are for a "
        "decoder built like Llama. prunescope.testing.models.check_model tests it"
    )
