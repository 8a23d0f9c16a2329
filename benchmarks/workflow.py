"""Wall-clock times of what a user runs, in a fresh clone with an environment that is installed.

    python benchmarks/workflow.py

Targets on 2 cores: the smoke study in 90 s, the rehearsal of the paper's study in 120 s, the
default study in 5 minutes, `snakemake` with nothing to do in 8 s, the tests in 8 minutes. `loop` is
the time of ten million turns of an empty loop, before and after, to compare machines by. `rules`
has the seconds of a core that a job of each rule without a model took in the default study, those
that a job with a model takes to start, and the mean of figures and tables (`item`): plans of
studies and the progress bar use them.
"""

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from record import write

from prunescope.study import Study

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
RUN = "snakemake --cores all"
STUDY = "workflow/config/testbed.yaml"
COMMANDS = {
    "smoke study": f"{RUN} --configfile workflow/config/smoke.yaml",
    "rehearsal": f"make rehearsal bin={BIN} installed=Makefile --old-file=Makefile",
    "default study": RUN,
    "default study, nothing to do": RUN,
    "tests": "pytest --numprocesses auto",
}
WITH_MODEL = ("attention", "calibrate", "evaluate", "operations", "timing")
START = """
from prunescope.evaluation.evaluate import evaluate
from prunescope.evaluation.setup import checkpoint
from prunescope.study import Study
study = Study.load("workflow/config/testbed.yaml")
for name, model in study.models.items():
    checkpoint(name, model, study.execution).load()
"""


def timed(command: list[str], folder: Path) -> float:
    """Seconds that a command takes in `folder`, with the package of that folder."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder / "src")}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return time.perf_counter() - start


def loop() -> float:
    start = time.perf_counter()
    for _ in range(10_000_000):
        pass
    return round(time.perf_counter() - start, 2)


def rule_seconds(folder: Path) -> dict[str, float]:
    """Mean seconds of a core of the jobs of each rule, from the study's run in `folder`."""
    seconds = defaultdict(list)
    home = folder / "results/testbed/benchmarks"
    for path in home.rglob("*.tsv"):
        first = path.relative_to(home).parts[0]
        rule = first if (home / first).is_dir() and first != "rope" else path.stem
        with path.open() as file:
            for row in csv.DictReader(file, delimiter="\t"):
                # the clock counts waiting, processor time counts idle threads
                seconds[rule].append(min(float(row["s"]), float(row["cpu_time"])))
    means = {rule: statistics.mean(times) for rule, times in seconds.items()}
    config = Study.load(folder / STUDY).config
    items = [means[name] for kind in ("figures", "tables") for name in config[kind]]
    extra = {"start": start_seconds(folder), "item": statistics.mean(items)}
    rules = {rule: mean for rule, mean in means.items() if rule not in WITH_MODEL}
    return {rule: round(mean, 1) for rule, mean in sorted((rules | extra).items())}


def start_seconds(folder: Path) -> float:
    """Seconds of a core until a job has loaded a testbed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    timed([sys.executable, "-c", START], folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clone", type=Path, help="where the clone is made, to be looked at later")
    options, turns = parser.parse_args(), [loop()]
    with tempfile.TemporaryDirectory() as parent:
        clone = options.clone or Path(parent) / "prunescope"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        seconds = {name: round(timed(line.split(), clone), 1) for name, line in COMMANDS.items()}
        rules = rule_seconds(clone)
    turns.append(loop())
    measured = {"loop": turns, "seconds": seconds, "rules": rules}
    write("workflow", measured, ("snakemake", "torch", "transformers"))


if __name__ == "__main__":
    main()
