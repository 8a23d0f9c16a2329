"""The most memory in use during a run."""

import ctypes
import gc
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes(run: Callable[[], Any], device: torch.device) -> float:
    """Most bytes in use during a run: on a CUDA device, else by this process. Includes everything
    held before the run, such as weights; NaN where the system does not report it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        run()
        return torch.cuda.max_memory_allocated(device)
    if not RESET.exists():
        return math.nan
    _return_free_memory()
    RESET.write_text("5")  # Linux forgets the peak so far
    run()
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    return 1024 * int(peak)


def _return_free_memory() -> None:
    """Return free memory to the system: what the C library keeps would count as in use."""
    gc.collect(1)  # young objects, left by runs; a full collection takes half a second
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc only
        trim(0)
