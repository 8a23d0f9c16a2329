"""How Snakemake runs the scripts of `analysis/` and `workflow/scripts/`.

The first import of a script is this module, which ruff's order of imports sees to. It turns the
garbage collector off until `run`, since the many objects of imported modules stay until the job
ends: to search them for garbage takes a third of the time in which torch is imported.
"""

import csv
import gc
import logging
import sys
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
    other items still get their report. In other jobs InputError, and in any job a full disk, ends
    the job with one line that says what to do.
    """
    job = namespace.get("snakemake")
    if job is None:
        return
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    try:
        _run(make, job)
    except Exception as error:  # the log's own, too: it may lie on the full disk
        if message := _advice(error) or (str(error) if isinstance(error, InputError) else ""):
            raise SystemExit(message) from error
        raise


def _run(make: Callable[..., None], job: Any) -> None:
    with ExitStack() as stack:
        if job.log:
            log = stack.enter_context(Path(job.log[0]).open("w"))
            stack.enter_context(redirect_stdout(log))
            stack.enter_context(redirect_stderr(log))
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
        try:
            make(**_arguments(make, job))
        except BaseException as error:
            advice = _advice(error)
            print(advice or f"{type(error).__name__}: {error}", file=sys.stderr)
            leaves_note = isinstance(error, InputError) and "csv" in dict(job.output.items())
            if advice or not leaves_note:
                raise
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


def _advice(error: BaseException) -> str:
    """What to do about a full disk; "" for any other error."""
    message = full_disk_message(error)
    if not message:
        return ""
    if isinstance(error, InputError):  # its own message says what to do
        return f"{error}. Then run again: finished records are kept"
    room = "Make room, or move the results to another disk"
    return f"the disk is full ({message}). {room}. Then run again: finished records are kept"


def _leave_note(files: Any, reason: str) -> None:
    """Write empty pictures, and a table of one cell that says why."""
    for path in files:
        Path(path).write_bytes(b"")
    with Path(files.csv).open("w", newline="") as file:
        csv.writer(file).writerows([[NOTE], [reason]])
