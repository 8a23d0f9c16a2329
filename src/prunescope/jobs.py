"""How Snakemake runs the scripts of `analysis/` and `workflow/scripts/`.

The first import of a script is this module, which ruff's order of imports sees to. It turns the
garbage collector off until `run`, since the many objects of imported modules stay until the job
ends: to search them for garbage takes a third of the time in which torch is imported.
"""

import csv
import gc
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import is_dataclass
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from prunescope.errors import InputError
from prunescope.hub.disk import full_disk_message

if hasattr(sys.modules["__main__"], "snakemake"):
    gc.disable()

NOTE = "note"  # column of the one-cell table that stands for an item that could not be made


def run(make: Callable[..., None], namespace: dict[str, Any]) -> None:
    """Call `make` with the job's named input, output and params that are its arguments.

    The last line of a script is `run(make, globals())`; it does nothing when the script is
    imported. Output, log lines and errors of `make` go to the job's log. A figure or table that
    raises InputError leaves a note, which the report shows, and its job succeeds, so that the
    other items still get their report. Any other error ends the job, and the last line of its log
    says what is wrong: for InputError and a full disk, what to do.
    """
    job = namespace.get("snakemake")
    if job is None:
        return
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    try:
        _run(make, job)
    except OSError as error:  # of the log itself: errors of `make` arrive as SystemExit
        print(_explanation(error), file=sys.stderr)
        raise SystemExit(1) from error


def _run(make: Callable[..., None], job: Any) -> None:
    with ExitStack() as stack:
        if job.log:
            log = stack.enter_context(Path(job.log[0]).open("w"))
            stack.enter_context(redirect_stdout(log))
            stack.enter_context(redirect_stderr(log))
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
        try:
            _make(make, job)
        except Exception as error:
            print(_explanation(error), file=sys.stderr)
            raise SystemExit(1) from error


def _make(make: Callable[..., None], job: Any) -> None:
    try:
        make(**_arguments(make, job))
    except InputError as error:
        if "csv" not in dict(job.output.items()) or full_disk_message(error):
            raise
        print(f"InputError: {error}")
        _leave_note(job.output, str(error))


def _arguments(make: Callable[..., None], job: Any) -> dict[str, Any]:
    """Arguments of `make`, by name, from the job's input, output and params.

    A mapping becomes the dataclass that its argument is annotated with: settings of the bootstrap
    become a `Bootstrap`.
    """
    values = {k: v for part in (job.input, job.output, job.params) for k, v in part.items()}
    parameters = signature(make).parameters
    return {k: _as_annotated(v, parameters[k]) for k, v in values.items() if k in parameters}


def _as_annotated(value: Any, parameter: Parameter) -> Any:
    kind = parameter.annotation
    return kind(**value) if is_dataclass(kind) and isinstance(value, Mapping) else value


def _explanation(error: Exception) -> str:
    """What is wrong, and what to do where that is known; a traceback for anything else."""
    if message := full_disk_message(error):
        room = "Make room, or move the results to another disk"
        advice = error if isinstance(error, InputError) else f"the disk is full ({message}). {room}"
        return f"{advice}. Then run again: finished records are kept"
    return str(error) if isinstance(error, InputError) else traceback.format_exc().rstrip()


def _leave_note(files: Any, reason: str) -> None:
    """Write empty pictures, and a table of one cell that says why."""
    for path in files:
        Path(path).write_bytes(b"")
    with Path(files.csv).open("w", newline="") as file:
        csv.writer(file).writerows([[NOTE], [reason]])
