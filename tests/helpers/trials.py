"""The model of a family's case with its prompts, ready for the checks."""

from functools import cache

import torch

from helpers.families import Case
from prunescope.testing.trial import Trial


@cache
def trial(case: Case, backend: str = "sdpa", dtype: torch.dtype = torch.float32) -> Trial:
    """The case's model and all its prompts."""
    rows = range(len(case.prompts))
    batch, *singles = (
        prepare(case, *chosen, dtype=dtype) for chosen in [rows, *([n] for n in rows)]
    )
    return Trial(case.build(backend).to(dtype), batch, singles)


def prepare(case: Case, *rows: int, dtype: torch.dtype = torch.float32) -> dict:
    inputs = case.inputs(*rows)
    return {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
