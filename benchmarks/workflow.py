"""Wall-clock times of what a user runs, in a fresh clone with an environment that is installed.

    python benchmarks/workflow.py

Targets on 2 cores: the smoke study in 90 s, the rehearsal of the paper's study in 120 s, the
default study in 20 minutes, `snakemake` with nothing to do in 8 s, the tests in 10 minutes. `loop`
is the time of ten million turns of an empty loop, before and after, to compare machines by.
"""

import argparse
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
    "rehearsal": f"make rehearsal bin={BIN} installed=Makefile --old-file=Makefile",
    "default study": STUDY,
    "default study, nothing to do": STUDY,
    "tests": "pytest --numprocesses auto",
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


def loop() -> float:
    start = time.perf_counter()
    for _ in range(10_000_000):
        pass
    return round(time.perf_counter() - start, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clone", type=Path, help="where the clone is made, to be looked at later")
    options, turns = parser.parse_args(), [loop()]
    with tempfile.TemporaryDirectory() as parent:
        clone = options.clone or Path(parent) / "prunescope"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        seconds = {name: round(timed(line, clone), 1) for name, line in COMMANDS.items()}
    turns.append(loop())
    write("workflow", {"loop": turns, "seconds": seconds}, ("snakemake", "torch", "transformers"))


if __name__ == "__main__":
    main()
