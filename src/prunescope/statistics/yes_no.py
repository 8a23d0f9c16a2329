"""Questions with yes or no: what their benchmarks report besides accuracy."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from prunescope.errors import InputError
from prunescope.metrics.text import read_yes_no
from prunescope.statistics.bootstrap import Bootstrap, ratio

# Each is the sum of one over the sum of the other.
MEASURES = {
    "accuracy": ("score", "examples"),
    "f1": ("agreed", "claims"),
    "yes": ("yes", "examples"),
    "accuracy_plus": ("whole", "images"),
}
SUMS = list(dict.fromkeys(each for pair in MEASURES.values() for each in pair))


def yes_no(records: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Of the tasks whose answers are yes and no, by kind and of all kinds together.

    f1: of yes, what precision and recall have in common; yes: how often the model says it (POPE,
    arXiv 2305.10355); accuracy_plus: the share of images with no wrong answer (MME, arXiv
    2306.13394). Columns task, kind, method, measure, value, low, high (NaN for a single image),
    units. InputError if there is no such task.
    """
    answers = records.groupby("task")["target"].agg(lambda said: set(said.str.lower()))
    tasks = [task for task, said in answers.items() if said == {"yes", "no"}]
    if not tasks:
        raise InputError(f"records: no task is answered by yes and no: {sorted(answers.index)}")
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
    """What is counted of each image (rows), by sum and method (columns)."""
    said = records["prediction"].map(read_yes_no) == "yes"
    true = records["target"].str.lower() == "yes"
    counted = records[["image", "method", "score"]].assign(
        examples=1, yes=said, agreed=2 * (said & true), claims=said.astype(int) + true
    )
    images = counted.groupby(["image", "method"])
    found = images.sum().assign(whole=images["score"].min() == 1, images=1)
    return found[SUMS].unstack("method").fillna(0)
