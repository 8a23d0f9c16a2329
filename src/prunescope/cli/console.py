"""Tables on the terminal; as wide as they need where the output goes into a file or a pipe."""

import sys
from collections.abc import Iterable, Sequence

import typer
from rich.console import Console

from prunescope.text_tables import text_table

WIDE = 10_000  # characters: nothing is cut where a program reads the output


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Sequence[str] = (),
    header: bool = True,
) -> None:
    """Print rows below their column names. numbers: columns that are aligned at the right."""
    console = Console(width=None if sys.stdout.isatty() else WIDE, markup=False, highlight=False)
    typer.echo(text_table(console, columns, rows, numbers, header))
