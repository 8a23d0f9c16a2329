"""The most memory that is in use while something runs."""

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
    """Bytes of the device in use at the peak of a run, or of the process, all that it holds
    included; NaN where the system does not tell."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        run()
        return torch.cuda.max_memory_allocated(device)
    if not RESET.exists():
        return math.nan
    _give_back()
    RESET.write_text("5")  # Linux: forget the peak so far
    run()
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    return 1024 * int(peak)


def _give_back() -> None:
    """Return what is free to the system: the C library keeps it, and it would count as in use."""
    gc.collect(1)  # what runs left; everything takes half a second
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of glibc alone
        trim(0)
