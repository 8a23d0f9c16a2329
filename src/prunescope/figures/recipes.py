"""Items of the report that several scripts of `analysis/` make alike, from records to files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prunescope.figures import charts, tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group, by_pair
from prunescope.statistics.reading import read_records

Paths = Sequence[Path | str]


def forest_of_groups(
    records: Paths,
    methods: Sequence[str],
    bootstrap: Bootstrap,
    csv: Path | str,
    *images: Path | str,
) -> None:
    """Write accuracy by group of tasks of the methods, from top to bottom: table and figure, with
    the unpruned model as a line."""
    table = by_group(read_records(records, COLUMNS), [BASELINE, *methods], bootstrap)
    tables.write(table, csv)
    theme.save(charts.forest(table, methods, BASELINE, "Accuracy"), *images)


def maps_of_pairs(
    records: Paths,
    methods: Mapping[str, tuple[Any, Any]],
    names: tuple[str, str],
    bootstrap: Bootstrap,
    csv: Path | str,
    *images: Path | str,
) -> None:
    """Write accuracy of `methods`, which maps names to pairs of values, as a table and heat maps;
    names: what the two values are. Pairs without records stay empty."""
    records = read_records(records, COLUMNS)
    table = by_pair(records, methods, bootstrap)
    tables.write(table, csv)
    theme.save(charts.pair_maps(table, *names), *images)
