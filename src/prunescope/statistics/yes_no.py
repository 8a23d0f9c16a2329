"""Measures of yes-no questions that their benchmarks report besides accuracy."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from prunescope.errors import InputError
from prunescope.metrics.text import read_yes_no
from prunescope.statistics.bootstrap import Bootstrap, ratio

# Each measure is the sum of its first column over the sum of its second.
MEASURES = {
    "accuracy": ("score", "examples"),
    "f1": ("agreed", "claims"),
    "yes": ("yes", "examples"),
    "accuracy_plus": ("whole", "images"),
}
SUMS = list(dict.fromkeys(name for pair in MEASURES.values() for name in pair))


def yes_no(records: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """`MEASURES` of the tasks whose true answers are yes and no, by kind of question and for all
    kinds together.

    f1: harmonic mean of the precision and recall of "yes"; yes: share of the model's answers that
    are "yes" (POPE, arXiv 2305.10355); accuracy_plus: share of images without a wrong answer (MME,
    arXiv 2306.13394). Columns task, kind, method, measure, value, low, high (NaN for a single
    image), units. InputError without such a task.
    """
    targets = records.groupby("task")["target"].agg(lambda target: set(target.str.lower()))
    tasks = [task for task, words in targets.items() if words == {"yes", "no"}]
    if not tasks:
        raise InputError(f"records: no task is answered by yes and no: {sorted(targets.index)}")
    parts = [
        _estimates(part, bootstrap).assign(task=task, kind=kind)
        for task in tasks
        for kind, part in _kinds(records[records["task"] == task])
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["task", "kind", "method", "measure", "value", "low", "high", "units"]]


def _kinds(records: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "all", records
    if records["kind"].nunique() > 1:
        yield from records.groupby("kind")


def _estimates(records: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    sums = _sums(records)
    methods = list(dict.fromkeys(records["method"]))
    cells = [(method, measure) for method in methods for measure in MEASURES]
    columns = [
        sums[MEASURES[measure][part], method].to_numpy(float)
        for part in (0, 1)
        for method, measure in cells
    ]
    table = pd.DataFrame(cells, columns=["method", "measure"])
    units = table["method"].map((sums["images"] > 0).sum()).to_numpy()
    table[["value", "low", "high"]] = bootstrap.interval(np.stack(columns, 1), ratio, units=units)
    return table.assign(units=units)


def _sums(records: pd.DataFrame) -> pd.DataFrame:
    """`SUMS` of each image (rows), by sum and method (columns).

    F1 of "yes" is 2 TP / (answered yes + truly yes): `agreed` over `claims`.
    """
    predicted = records["prediction"].map(read_yes_no) == "yes"
    true = records["target"].str.lower() == "yes"
    counted = records[["image", "method", "score"]].assign(
        examples=1,
        yes=predicted,
        agreed=2 * (predicted & true),
        claims=predicted.astype(int) + true,
    )
    images = counted.groupby(["image", "method"])
    sums = images.sum().assign(whole=images["score"].min() == 1, images=1)
    return sums[SUMS].unstack("method").fillna(0)
