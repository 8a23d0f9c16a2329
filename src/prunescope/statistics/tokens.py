"""Where the kept tokens of any records lie, of multi-stage methods too, from Parquet parts.

Benchmarks at full size keep hundreds of millions of tokens, so parts are streamed: Arrow's nested
lists are read as flat arrays of tokens and lengths, never as objects of Python.
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
from prunescope.statistics.uniformity import DIVERGENCES, estimates

ROWS = 2**13  # records that are held at a time
METHOD = ("model", "task", "method")


@dataclass
class Count:
    """records: how many; tokens: of them by run of the raster, as long as there are any."""

    records: int = 0
    tokens: np.ndarray = field(default_factory=lambda: np.zeros(0, int))

    def add(self, records: int, tokens: np.ndarray) -> None:
        self.records += records
        if len(tokens) > len(self.tokens):
            self.tokens = np.pad(self.tokens, (0, len(tokens) - len(self.tokens)))
        self.tokens[: len(tokens)] += tokens


def count_tokens(paths: Iterable[Path | str], by: Sequence[str] = METHOD) -> pd.DataFrame:
    """How often each token is kept: columns `by`, stage (from 0), raster, tokens, records.

    paths: Parquet files of records (`records.store.SCHEMA`), in any order and of any size;
    records: of the group, whether they keep the token or not. A token that is never kept has no
    row. Raises InputError for a file without the columns that are needed.
    """
    tables = []
    for (*key, stage), count in sorted(_count(paths, by).items(), key=lambda each: each[0]):
        raster = np.flatnonzero(count.tokens)
        group = dict(zip(by, key, strict=True)) | {"stage": stage, "raster": raster}
        tokens = {"tokens": count.tokens[raster], "records": count.records}
        tables.append(pd.DataFrame(group | tokens))
    none = pd.DataFrame(columns=[*by, "stage", "raster", "tokens", "records"])
    return pd.concat(tables, ignore_index=True) if tables else none


def kept_position(
    paths: Iterable[Path | str], grid: tuple[int, int], bootstrap: Bootstrap
) -> pd.DataFrame:
    """`HEIGHTS` and, of the rows, `DIVERGENCES` of what each method kept in each stage, all tasks
    together.

    grid: rows and columns of the visual tokens. Columns model, method, stage, measure, value, low,
    high, chance, examples, units; a stage that keeps nothing has no rows. Raises InputError for
    tokens outside the grid, and where no method removes any.
    """
    found = _count(paths, ("model", "method", "image"), grid[1])
    found = {key: count for key, count in found.items() if count.tokens.any()}
    if not found:
        raise InputError("records: no method removes tokens and leaves some")
    groups = sorted({(model, method, stage) for model, method, _, stage in found})
    units = sorted({image for *_, image, _ in found})
    row = {image: number for number, image in enumerate(units)}
    column = {group: number for number, group in enumerate(groups)}
    sums, records = np.zeros((len(units), len(groups), grid[0])), np.zeros(len(groups), int)
    for (model, method, image, stage), count in found.items():
        if len(count.tokens) > grid[0]:
            raise InputError(f"records: tokens of {method!r} lie outside the grid {grid}")
        group = column[model, method, stage]
        sums[row[image], group, : len(count.tokens)] = count.tokens
        records[group] += count.records
    return _measured(sums, records, groups, bootstrap)


def _measured(
    sums: np.ndarray, records: np.ndarray, groups: list[tuple], bootstrap: Bootstrap
) -> pd.DataFrame:
    """sums: (units, groups, rows) kept tokens; records: (groups,)."""
    held = (sums > 0).any(2)

    def statistic(totals: np.ndarray) -> np.ndarray:
        found = heights(totals.reshape(*totals.shape[:-1], *sums.shape[1:]))
        return found.reshape(*totals.shape[:-1], -1)

    resting = np.repeat(held.sum(0), len(HEIGHTS))
    places = bootstrap.interval(sums.reshape(len(sums), -1), statistic, resting)
    places = places.reshape(len(groups), -1, 3)
    at = enumerate(held.T)
    spreads = [estimates(sums[units][:, [group]], bootstrap)[0] for group, units in at]
    measures = (*HEIGHTS, *DIVERGENCES)
    rows = [(*group, measure, CHANCE[measure]) for group in groups for measure in measures]
    table = pd.DataFrame(rows, columns=["model", "method", "stage", "measure", "chance"])
    table[["value", "low", "high"]] = np.concatenate([places, spreads], axis=1).reshape(-1, 3)
    times = len(measures)
    return table.assign(examples=np.repeat(records, times), units=np.repeat(held.sum(0), times))


def _count(paths: Iterable[Path | str], by: Sequence[str], width: int = 1) -> dict[tuple, Count]:
    """By group and stage, (*by, stage): kept tokens of every `width` in raster order."""
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
    """Names of the groups, and the number of each record's."""
    codes = np.zeros(batch.num_rows, int)
    for column in by:
        encoded = batch[column].dictionary_encode()
        codes = codes * len(encoded.dictionary) + encoded.indices.to_numpy()
    _, first, group = np.unique(codes, return_index=True, return_inverse=True)
    columns = [batch[column].take(first).to_pylist() for column in by]
    return [tuple(each[row] for each in columns) for row in range(len(first))], group


def _tally(
    kept: pa.ListArray, group: np.ndarray, width: int
) -> Iterator[tuple[tuple[int, int], int, np.ndarray]]:
    """(group, stage), its records, and its tokens by run of `width`; kept: lists by stage."""
    stages = kept.flatten()
    per_record = kept.value_lengths().to_numpy()
    if not len(stages):
        return
    begin = np.repeat(np.cumsum(per_record) - per_record, per_record)
    depth = per_record.max()
    cell = np.repeat(group, per_record) * depth + np.arange(len(stages)) - begin
    runs = stages.flatten().to_numpy() // width
    size = int(runs.max(initial=0)) + 1
    place = np.repeat(cell * size, stages.value_lengths().to_numpy()) + runs
    tokens = np.bincount(place, minlength=(group.max() + 1) * depth * size).reshape(-1, size)
    records = np.bincount(cell, minlength=len(tokens))
    for each in np.flatnonzero(records):
        yield (int(each // depth), int(each % depth)), int(records[each]), tokens[each]
