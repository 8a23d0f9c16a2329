"""What the scripts of benchmarks/ measure; the times themselves are no matter of a test."""

import importlib.util
from pathlib import Path

import pytest

from prunescope.evaluation.side_information import replayed

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """A script of benchmarks/ as a module; they are not installed."""
    monkeypatch.chdir(BENCHMARKS.parent)
    monkeypatch.syspath_prepend(BENCHMARKS)

    def load(name):
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_methods_that_are_timed_together_are_distinct(script):
    evaluation = script("evaluation")
    methods = evaluation.methods(evaluation.STUDY)
    assert len({method.stages for method in methods.values()}) == len(methods) > 30
    assert not any(map(replayed, methods.values()))
