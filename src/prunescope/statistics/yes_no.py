"""Measures of yes-no questions that their benchmarks report besides accuracy."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from prunescope.errors import InputError
from prunescope.metrics.text import read_yes_no
from prunescope.statistics.bootstrap import Bootstrap, ratio
from prunescope.statistics.rare import BOOTSTRAP, answer_means

MEASURES = ("accuracy", "f1", "yes", "accuracy_plus")
READ = ("yes", "true")  # whether the answer, and the true answer, is yes


def yes_no(records: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """`MEASURES` of the tasks whose true answers are yes and no, by kind of question and for all
    kinds together.

    f1: harmonic mean of the precision and recall of "yes"; yes: share of the model's answers that
    are "yes" (POPE, arXiv 2305.10355); accuracy_plus: share of images without a wrong answer (MME,
    arXiv 2306.13394). Columns task, kind, method, measure, value, low, high (NaN for a single
    image), units, interval (its method, as from `rare.answer_means`). InputError without such a
    task.
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
    return table[["task", "kind", "method", "measure", "value", "low", "high", "units", "interval"]]


def _kinds(records: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "all", records
    if records["kind"].nunique() > 1:
        yield from records.groupby("kind")


def _estimates(records: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """`MEASURES` of every method. Columns method, measure, value, low, high, units, interval."""
    read = records.assign(
        yes=records["prediction"].map(read_yes_no) == "yes",
        true=records["target"].str.lower() == "yes",
    )
    answers = read.pivot(index=["image", "example"], columns="method", values=["score", *READ])
    methods = list(dict.fromkeys(records["method"]))
    # (questions, methods), NaN where a method has no answer
    score, yes, true = (answers[name][methods].astype(float) for name in ("score", *READ))
    lowest = score.groupby("image").min()
    whole = (lowest == 1).where(lowest.notna())
    parts = {
        "accuracy": _shares(score, bootstrap),
        "f1": _f1(yes, true, bootstrap),
        "yes": _shares(yes, bootstrap),
        "accuracy_plus": _shares(whole, bootstrap),
    }
    named = [part.assign(method=methods, measure=name) for name, part in parts.items()]
    # all measures of the first method, then of the second
    return pd.concat(named).sort_index(kind="stable").reset_index(drop=True)


def _shares(values: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Mean of each column. values: NaN for what does not count, with the index level `image`."""
    images = values.index.get_level_values("image").to_numpy()
    return answer_means(values.to_numpy(float), images, bootstrap)


def _f1(yes: pd.DataFrame, true: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """F1 of "yes", 2 TP / (answered yes + truly yes). yes, true: 0 and 1, questions by methods."""
    # (images, methods), sums over the questions about an image
    agreed, claims = ((part.groupby("image").sum()) for part in (2 * yes * true, yes + true))
    images = (yes.groupby("image").count() > 0).sum().to_numpy()
    interval = bootstrap.interval(np.hstack([agreed, claims]), ratio, units=images)
    table = pd.DataFrame(interval, columns=["value", "low", "high"])
    return table.assign(units=images, interval=np.where(table["low"].isna(), "", BOOTSTRAP))
