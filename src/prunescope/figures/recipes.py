"""Items of the report that several scripts of `analysis/` make alike, from records to files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prunescope.figures import charts, tables, theme
from prunescope.statistics.accuracy import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group, by_pair
from prunescope.statistics.reading import read_records

Paths = Sequence[Path | str]
Options = Mapping[str, Any] | None  # of `Bootstrap`


def forest_of_groups(
    records: Paths, methods: Sequence[str], bootstrap: Options, csv: Path | str, *images: Path | str
) -> None:
    """Write accuracy by group of tasks of the methods, from top to bottom: table and figure, with
    the unpruned model as a line."""
    table = by_group(
        read_records(records, COLUMNS), [BASELINE, *methods], Bootstrap(**bootstrap or {})
    )
    tables.write(table, csv)
    theme.save(charts.forest(table, methods, BASELINE, "Accuracy"), *images)


def maps_of_pairs(
    records: Paths,
    values: tuple[Sequence[Any], Sequence[Any]],
    pattern: str,
    names: tuple[str, str],
    bootstrap: Options,
    csv: Path | str,
    *images: Path | str,
) -> None:
    """Write accuracy of the methods called `pattern` after each pair of values (first, second):
    table and heat maps; names: what the two values are. Pairs without records stay empty."""
    records = read_records(records, COLUMNS)
    table = by_pair(records, *values, pattern, Bootstrap(**bootstrap or {}))
    tables.write(table, csv)
    theme.save(charts.pair_maps(table, *names), *images)
