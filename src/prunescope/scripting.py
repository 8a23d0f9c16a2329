"""How the scripts of `analysis/` and `workflow/scripts/` are run by Snakemake."""

import csv
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from inspect import signature
from pathlib import Path
from typing import Any

from prunescope.errors import InputError, disk_is_full

NOTE = "note"  # the column of a table that stands for an item that could not be made


def run(make: Callable[..., None], namespace: dict[str, Any]) -> None:
    """Call `make` with those of the job's named input, output and params that are its arguments.

    What it prints and logs goes to the job's log, and so does its error. A figure or table that
    these results cannot give (InputError) leaves a note that the report shows, and the job ends
    well, so that there is a report of the others. Does nothing when the script is imported:
    `run(make, globals())` is its last line.
    """
    job = namespace.get("snakemake")
    if job is None:
        return
    named = {k: v for part in (job.input, job.output, job.params) for k, v in part.items()}
    arguments = {k: v for k, v in named.items() if k in signature(make).parameters}
    with ExitStack() as stack:
        if job.log:
            log = stack.enter_context(Path(job.log[0]).open("w"))
            stack.enter_context(redirect_stdout(log))
            stack.enter_context(redirect_stderr(log))
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
        try:
            make(**arguments)
        except BaseException as error:
            full = ". The disk is full: make room and run again; what is finished stays"
            print(f"{type(error).__name__}: {error}{full * disk_is_full(error)}", file=sys.stderr)
            if not isinstance(error, InputError) or "csv" not in dict(job.output.items()):
                raise
            _leave_note(job.output, str(error))


def _leave_note(files: Any, reason: str) -> None:
    """Empty pictures, and a table of one cell that says why."""
    for path in files:
        Path(path).write_bytes(b"")
    with Path(files.csv).open("w", newline="") as file:
        csv.writer(file).writerows([[NOTE], [reason]])
