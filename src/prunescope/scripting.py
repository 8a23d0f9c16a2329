"""How a script of `analysis/` is run by Snakemake."""

import sys
from collections.abc import Callable
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any


def run(make: Callable[..., None], namespace: dict[str, Any]) -> None:
    """Call `make` with the job's named input, output and params as keywords; its prints go to the
    job's log. Does nothing when the script is imported: `run(make, globals())` is its last line."""
    job = namespace.get("snakemake")
    if job is None:
        return
    named = {k: v for part in (job.input, job.output, job.params) for k, v in part.items()}
    with ExitStack() as stack:
        if job.log:
            log = stack.enter_context(Path(job.log[0]).open("w"))
            stack.enter_context(redirect_stdout(log))
            stack.enter_context(redirect_stderr(log))
        try:
            make(**named)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            raise
