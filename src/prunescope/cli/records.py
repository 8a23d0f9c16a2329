"""`prunescope records`: what a store of answers holds, whether it is intact, what to delete."""

from pathlib import Path
from typing import Annotated, Any

import typer

from prunescope.cli.console import print_table
from prunescope.errors import InputError

COLUMNS = ("model", "task", "method", "examples", "parts", "bytes", "date", "source")
NUMBERS = ("examples", "parts", "bytes")

app = typer.Typer(no_args_is_help=True, help="List, check or tidy the stored answers of studies.")

Store = Annotated[Path, typer.Option(metavar="FOLDER", help="The store of records.")]
DEFAULT = Path("results/store")


@app.command("list", epilog="Example:  prunescope records list --model rope --task locate")
def list_records(
    store: Store = DEFAULT,
    model: Annotated[str | None, typer.Option(help="Only answers of this model.")] = None,
    task: Annotated[str | None, typer.Option(help="Only answers to this task.")] = None,
) -> None:
    """List what is stored, by model, task and method, with totals."""
    from prunescope.records import upkeep

    wanted = {"model": model, "task": task}
    rows = [row for row in upkeep.contents(store) if _fits(row, wanted)]
    if not rows:
        typer.echo(f"{store}: no records")
        return
    totals = {column: sum(row[column] for row in rows) for column in NUMBERS}
    last = {"model": "total", "task": "", "method": f"{len(rows)} keys", "date": "", "source": ""}
    cells = [[row[column] for column in COLUMNS] for row in [*rows, last | totals]]
    print_table(COLUMNS, cells, NUMBERS)


def _fits(row: dict[str, Any], wanted: dict[str, str | None]) -> bool:
    return all(value in (None, row[column]) for column, value in wanted.items())


@app.command(epilog="Example:  prunescope records verify")
def verify(store: Store = DEFAULT) -> None:
    """Check every file against its checksum, and set damaged files aside.

    The next evaluation answers again what was damaged. Exit code 2 if anything was.
    """
    from prunescope.records import upkeep

    counts = upkeep.verify(store)
    typer.echo(", ".join(f"{count} {state}" for state, count in counts.items()))
    if counts["damaged"]:
        raise InputError(
            f"{store}: damaged files are set aside; the next evaluation answers them again"
        )


@app.command(
    epilog="Examples\n\nprunescope records prune --keep workflow/config/smol.yaml\n\n"
    "prunescope records prune --keep workflow/config/smol.yaml --keep "
    "workflow/config/ablations.yaml --delete"
)
def prune(
    keep: Annotated[
        list[Path],
        typer.Option(metavar="CONFIG", help="A study whose records stay; may be given again."),
    ],
    store: Store = DEFAULT,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove them, instead of only listing them.")
    ] = False,
) -> None:
    """Remove records that no study asks for, such as those of older code.

    Run it in the project's folder.
    """
    from prunescope.evaluation.unneeded import unneeded
    from prunescope.records import upkeep
    from prunescope.study import Study

    folders = unneeded(store, map(Study.load, keep))
    for folder in folders:
        typer.echo(folder)
    if delete:
        upkeep.remove(folders)
    done = "removed" if delete else "would be removed; --delete does it"
    typer.echo(f"{len(folders)} keys that no study asks for: {done}")
