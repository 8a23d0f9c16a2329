"""Peak memory tells runs apart, whatever ran before them."""

import math

import numpy as np
import pytest
import torch

from prunescope.cost import peak_memory

CPU, MIB = torch.device("cpu"), 2**20
linux = pytest.mark.skipif(
    not peak_memory.RESET.exists(), reason="peaks can be reset on Linux alone"
)


@pytest.fixture
def use():
    """A run that needs this many MiB, in pieces that the C library keeps for later when they are
    freed: of the last one a reference is left."""
    pins = []
    return lambda mib: pins.append([np.ones(MIB // 128) for _ in range(16 * mib)][-1])


@linux
def test_a_run_that_needs_more_memory_shows_more(use):
    first, less, more = (
        peak_memory.peak_bytes(lambda m=mib: use(m), CPU) for mib in (240, 40, 140)
    )
    assert less + 60 * MIB < more < first - 60 * MIB


@linux
def test_what_is_held_counts_and_what_is_freed_does_not():
    held = torch.ones(25 * MIB)  # of four bytes
    with_it = peak_memory.peak_bytes(lambda: None, CPU)
    del held
    assert peak_memory.peak_bytes(lambda: None, CPU) < with_it - 60 * MIB


def test_no_peak_where_the_system_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(peak_memory, "RESET", tmp_path / "absent")
    assert math.isnan(peak_memory.peak_bytes(lambda: None, CPU))
