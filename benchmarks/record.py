"""Writes results of benchmarks, with the machine and the versions that they were measured on."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def graphics() -> str | None:
    """Name of the GPU, if there is one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def commit() -> str | None:
    """The revision that was measured; None where the checkout has no history."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or None


def write(name: str, measured: Any, libraries: tuple[str, ...]) -> None:
    """`results/<name>.json`: command, machine, versions and what was measured."""
    record = {
        "command": " ".join(["python", *sys.argv]),
        "machine": {
            "processor": processor(), "cores": os.cpu_count(), "load": os.getloadavg(),
            "gpu": graphics(),
        },
        "python": platform.python_version(),
        "versions": {library: version(library) for library in libraries},
        "commit": commit(),
        "measured": measured,
    }  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(record, indent=2) + "\n"
    (RESULTS / f"{name}.json").write_text(text)
    print(text)
