"""Scripts of analysis/ as modules; they are not installed."""

import importlib.util
from pathlib import Path

ANALYSIS = Path(__file__).parents[2] / "analysis"


def script(name):
    """A script of analysis/ as a module; they are not installed."""
    spec = importlib.util.spec_from_file_location(name, ANALYSIS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
