"""Tables as text, for terminals and plans."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table


def text_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Sequence[str] = (),
    header: bool = True,
) -> str:
    """Rows below their column names, as wide as the console and in its colours.

    numbers: columns that are aligned at the right.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=header)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    for row in rows:
        table.add_row(*map(str, row))
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().rstrip().split("\n"))
