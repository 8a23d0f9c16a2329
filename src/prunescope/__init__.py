"""Analysis and ablation of visual token pruning in vision-language models.

    from prunescope import prune

    with prune(model, "feather") as trace:
        output = model.generate(**inputs)

`import prunescope` imports no torch; the names of `__all__` do when they are first used.
"""

from importlib import import_module
from typing import Any

__all__ = ["Method", "Stage", "named_methods", "prune", "record_scores"]
__version__ = "0.2.0"

_MODULES = {
    "prune": "pruning",
    "record_scores": "scores",
}  # modules of names that are not in `methods`


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'methods')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
