"""Replaces a method of one module for a while."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps

from torch import nn


def patch_method(
    module: nn.Module, name: str, wrap: Callable[[Callable], Callable], cleanup: ExitStack
) -> None:
    """Replace the method `name` of this one module by `wrap(method)` until the cleanup."""
    before = vars(module).get(name)
    method = getattr(module, name)
    setattr(module, name, wraps(method)(wrap(method)))
    restore = (delattr, module, name) if before is None else (setattr, module, name, before)
    cleanup.callback(*restore)
