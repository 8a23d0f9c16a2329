"""Where the kept tokens of any method lie, from the Parquet files of records.

Benchmarks at full size keep hundreds of millions of tokens. So files are streamed, and Arrow's
nested lists are read as flat arrays of tokens and lengths, never as Python objects.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import CHANCE, HEIGHTS, heights
from prunescope.statistics.quarters import quarters
from prunescope.statistics.uniformity import DIVERGENCES, divergence_intervals

ROWS = 2**13  # records in memory at a time
METHOD = ("model", "task", "method")


@dataclass
class Count:
    """Number of records, and their kept tokens.

    tokens: index = run of `width` neighbouring tokens; trailing zeros are left out.
    """

    records: int = 0
    tokens: np.ndarray = field(default_factory=lambda: np.zeros(0, int))

    def add(self, records: int, tokens: np.ndarray) -> None:
        self.records += records
        if len(tokens) > len(self.tokens):
            self.tokens = np.pad(self.tokens, (0, len(tokens) - len(self.tokens)))
        self.tokens[: len(tokens)] += tokens


def count_tokens(paths: Iterable[Path | str], by: Sequence[str] = METHOD) -> pd.DataFrame:
    """How often each token is kept: columns `by`, stage (from 0), raster, tokens, records.

    paths: Parquet files of records, in any order and of any size. `records` counts all records of
    the group, also those that drop the token. A token that is never kept has no row. InputError for
    a file that lacks columns.
    """
    tables = []
    for (*key, stage), count in sorted(_count(paths, by).items(), key=lambda item: item[0]):
        raster = np.flatnonzero(count.tokens)
        group = dict(zip(by, key, strict=True)) | {"stage": stage, "raster": raster}
        tokens = {"tokens": count.tokens[raster], "records": count.records}
        tables.append(pd.DataFrame(group | tokens))
    none = pd.DataFrame(columns=[*by, "stage", "raster", "tokens", "records"])
    return pd.concat(tables, ignore_index=True) if tables else none


def kept_position(
    paths: Iterable[Path | str], grid: tuple[int, int], bootstrap: Bootstrap
) -> pd.DataFrame:
    """Measures of the rows of the image in which each method kept tokens, by stage, over all tasks.

    grid: rows and columns of the visual tokens. Columns model, method, stage, measure (`HEIGHTS`,
    then `DIVERGENCES` of the four `quarters` of the height), value, low, high, chance, examples,
    units; a stage that keeps nothing has no rows. InputError for tokens outside the grid, and if no
    method removes tokens.
    """
    counts = _count(paths, ("model", "method", "image"), grid[1])
    counts = {key: count for key, count in counts.items() if count.tokens.any()}
    if not counts:
        raise InputError("records: no method removes tokens and leaves some")
    groups = sorted({(model, method, stage) for model, method, _, stage in counts})
    units = sorted({image for *_, image, _ in counts})
    row = {image: number for number, image in enumerate(units)}
    column = {group: number for number, group in enumerate(groups)}
    sums, records = np.zeros((len(units), len(groups), grid[0])), np.zeros(len(groups), int)
    for (model, method, image, stage), count in counts.items():
        if len(count.tokens) > grid[0]:
            raise InputError(f"records: tokens of {method!r} lie outside the grid {grid}")
        group = column[model, method, stage]
        sums[row[image], group, : len(count.tokens)] = count.tokens
        records[group] += count.records
    return _measured(sums, records, groups, bootstrap)


def _measured(
    sums: np.ndarray, records: np.ndarray, groups: list[tuple], bootstrap: Bootstrap
) -> pd.DataFrame:
    """Table of `kept_position`. sums: (units, groups, rows) kept tokens; records: (groups,)."""
    # (units, groups): a group is measured on the images where it kept some
    kept = (sums > 0).any(2)

    def statistic(totals: np.ndarray) -> np.ndarray:
        values = heights(totals.reshape(*totals.shape[:-1], *sums.shape[1:]))
        return values.reshape(*totals.shape[:-1], -1)

    images = kept.sum(0)
    flat = sums.reshape(len(sums), -1)
    places = bootstrap.interval(flat, statistic, np.repeat(images, len(HEIGHTS)))
    places = places.reshape(len(groups), -1, 3)
    spreads = [
        divergence_intervals(quarters(sums[units][:, [group]]), bootstrap)[0]
        for group, units in enumerate(kept.T)
    ]
    measures = (*HEIGHTS, *DIVERGENCES)
    rows = [(*group, measure, CHANCE[measure]) for group in groups for measure in measures]
    table = pd.DataFrame(rows, columns=["model", "method", "stage", "measure", "chance"])
    table[["value", "low", "high"]] = np.concatenate([places, spreads], axis=1).reshape(-1, 3)
    by_row = {"examples": records, "units": images}
    return table.assign(**{k: np.repeat(v, len(measures)) for k, v in by_row.items()})


def _count(paths: Iterable[Path | str], by: Sequence[str], width: int = 1) -> dict[tuple, Count]:
    """Kept tokens by (*by, stage), in runs of `width` neighbouring tokens."""
    totals: dict[tuple, Count] = {}
    for batch in _batches(paths, [*by, "kept"]):
        names, group = _groups(batch, by)
        for (index, stage), records, tokens in _tally(batch["kept"], group, width):
            totals.setdefault((*names[index], stage), Count()).add(records, tokens)
    return totals


def _batches(paths: Iterable[Path | str], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        if not Path(path).exists():
            raise InputError(f"{path}: no such file of records")
        with pq.ParquetFile(path) as file:
            if missing := [c for c in columns if c not in file.schema_arrow.names]:
                raise InputError(f"{path}: missing columns {missing}")
            yield from file.iter_batches(ROWS, columns=columns)


def _groups(batch: pa.RecordBatch, by: Sequence[str]) -> tuple[list[tuple], np.ndarray]:
    """Names of the groups of records, and (records,) the number of each record's group."""
    # one number for each combination of values, as the digits of a number of mixed base
    codes = np.zeros(batch.num_rows, int)
    for column in by:
        encoded = batch[column].dictionary_encode()
        codes = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
    _, first, group = np.unique(codes, return_index=True, return_inverse=True)
    columns = [batch[column].take(first).to_pylist() for column in by]
    return list(zip(*columns, strict=True)) if columns else [()] * len(first), group


def _tally(
    kept: pa.ListArray, group: np.ndarray, width: int
) -> Iterator[tuple[tuple[int, int], int, np.ndarray]]:
    """Kept tokens by group and stage, without a loop over records.

    kept: for each record a list of stages, each a list of kept raster indices; group: (records,).
    Yields (group, stage), its number of records, and (runs,) its tokens in runs of `width`.
    """
    stages = kept.flatten()  # one list for each pair (record, stage)
    stages_of = kept.value_lengths().to_numpy()  # (records,)
    if not len(stages):
        return
    # (pairs,): position of the pair minus that of its record's first pair is the stage
    first = np.repeat(np.cumsum(stages_of) - stages_of, stages_of)
    stage = np.arange(len(stages)) - first
    depth = stages_of.max()
    cell = np.repeat(group, stages_of) * depth + stage
    # (tokens,): every kept token counts at (cell, run), as one flat index
    runs = stages.flatten().to_numpy() // width
    size = int(runs.max(initial=0)) + 1
    place = np.repeat(cell * size, stages.value_lengths().to_numpy()) + runs
    tokens = np.bincount(place, minlength=(group.max() + 1) * depth * size).reshape(-1, size)
    records = np.bincount(cell, minlength=len(tokens))
    for index in np.flatnonzero(records):
        yield (int(index // depth), int(index % depth)), int(records[index]), tokens[index]
