"""The first line: what the package exports, and what importing it does not load."""

import subprocess
import sys

import pytest

import prunescope

HEAVY = ("torch", "transformers", "pandas", "matplotlib", "datasets", "pyarrow", "snakemake")
# scipy is not among them: transformers imports it where it is installed.
STUDY = ("datasets", "jsonschema", "matplotlib", "pandas", "pyarrow", "seaborn", "snakemake")
STUDY += ("xarray", "zarr")


def loaded(code, names):
    """Which modules a fresh interpreter has loaded after some code."""
    code += f"\nimport sys; print(*[name for name in {names} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_every_exported_name_is_there_and_listed():
    for name in prunescope.__all__:
        assert getattr(prunescope, name).__name__ == name
        assert name in dir(prunescope)
    with pytest.raises(AttributeError, match="module 'prunescope' has no attribute 'prun'"):
        prunescope.prun  # noqa: B018


@pytest.mark.parametrize("module", ["prunescope", "prunescope.methods", "prunescope.method_names"])
def test_importing_is_light(module):
    assert loaded(f"import {module}", HEAVY) == []


def test_pruning_needs_no_package_of_studies():
    """In a fresh interpreter, since the tests' own has loaded everything."""
    code = """
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from prunescope import Method, Stage, prune, record_scores
from prunescope.criteria.attention import Attention
from prunescope.models import Layout

sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 32}
model = LlamaForCausalLM(LlamaConfig(num_hidden_layers=4, **sizes)).eval()
ids = torch.arange(20)[None]
layout = Layout((ids >= 2) & (ids < 18), (4, 4))
record_scores(model, {"input_ids": ids}, layout)
with torch.inference_mode(), prune(model, Method([Stage(2, Attention(), remove=0.5)]), layout):
    model(input_ids=ids)
"""
    assert loaded(code, STUDY) == []
