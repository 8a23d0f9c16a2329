"""Standing in for a method of one module, for a while."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps

from torch import nn


def shadow(
    module: nn.Module, name: str, wrap: Callable[[Callable], Callable], cleanup: ExitStack
) -> None:
    """Let `wrap(method)` stand in for a method of this one module, until the cleanup."""
    before = vars(module).get(name)
    method = getattr(module, name)
    setattr(module, name, wraps(method)(wrap(method)))
    restore = (delattr, module, name) if before is None else (setattr, module, name, before)
    cleanup.callback(*restore)
