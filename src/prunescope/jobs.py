"""How the scripts of `analysis/` and `workflow/scripts/` are run by Snakemake.

They import this module first (ruff puts it there). What a job imports stays until its end, and to
look through all of it for garbage, again and again, takes a third of its start: so none is looked
for until `run`.
"""

import csv
import gc
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from inspect import signature
from pathlib import Path
from typing import Any

from prunescope.errors import InputError
from prunescope.hub.disk import disk_full

if hasattr(sys.modules["__main__"], "snakemake"):
    gc.disable()

NOTE = "note"  # the column of a table that stands for an item that could not be made


def run(make: Callable[..., None], namespace: dict[str, Any]) -> None:
    """Call `make` with those of the job's named input, output and params that are its arguments.

    What it prints and logs goes to the job's log, and so does its error. A figure or table that
    these results cannot give (InputError) leaves a note that the report shows, and the job ends
    well, so that there is a report of the others. In other jobs an InputError, and anywhere a full
    disk, is one line that says what to do. Does nothing when the script is imported: `run(make,
    globals())` is its last line.
    """
    job = namespace.get("snakemake")
    if job is None:
        return
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    try:
        _run(make, job)
    except Exception as error:  # of the log, too, which may lie on the same disk
        if said := _full(error) or (str(error) if isinstance(error, InputError) else ""):
            raise SystemExit(said) from error
        raise


def _run(make: Callable[..., None], job: Any) -> None:
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
            full = _full(error)
            print(full or f"{type(error).__name__}: {error}", file=sys.stderr)
            noted = isinstance(error, InputError) and "csv" in dict(job.output.items())
            if full or not noted:
                raise
            _leave_note(job.output, str(error))


def _full(error: BaseException) -> str:
    """What is full and what to do about it, or ""."""
    said = disk_full(error)
    if not said:
        return ""
    what = f"the disk is full ({said}). Make room, or move the results to another disk"
    if isinstance(error, InputError):  # it knows better
        what = str(error)
    return f"{what}. Then run again: finished records are kept"


def _leave_note(files: Any, reason: str) -> None:
    """Empty pictures, and a table of one cell that says why."""
    for path in files:
        Path(path).write_bytes(b"")
    with Path(files.csv).open("w", newline="") as file:
        csv.writer(file).writerows([[NOTE], [reason]])
