"""Wall-clock times of what a user runs, in a fresh clone with an environment that is installed.

    python benchmarks/workflow.py

Targets on 2 cores: the default study in 300 s, `snakemake` with nothing to do in 8 s, the smoke
study in 90 s, the tests in 300 s.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import write

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STUDY = "snakemake --cores all"
COMMANDS = {
    "smoke study": f"{STUDY} --configfile workflow/config/smoke.yaml",
    "default study": STUDY,
    "default study, nothing to do": STUDY,
    "tests": "pytest",
}


def timed(command: str, folder: Path) -> float:
    """Seconds that a command takes in `folder`, with the package of that folder."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src")}
    start = time.perf_counter()
    done = subprocess.run(command.split(), cwd=folder, env=environment, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as parent:
        clone = Path(parent) / "prunescope"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        seconds = {name: round(timed(line, clone), 1) for name, line in COMMANDS.items()}
    measured = [
        {"what": name, "command": COMMANDS[name], "seconds": seconds[name]} for name in COMMANDS
    ]
    write("workflow", measured, ("snakemake", "torch", "transformers"))


if __name__ == "__main__":
    main()
