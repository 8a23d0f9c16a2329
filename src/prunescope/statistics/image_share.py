"""What the image adds to the accuracy of text alone, and the share of it that a method loses."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from prunescope.statistics.bootstrap import Bootstrap, countable, ratio, unit_sums

Weights = Mapping[str, float]  # of tasks in a mean over tasks


def losses(
    answers: pd.DataFrame, unpruned: str, method: str, floor: str, groups: Mapping[str, Weights],
    bootstrap: Bootstrap,
) -> pd.DataFrame:  # fmt: skip
    """Share that `method` loses of what the image adds, in each of two groups of tasks, and the
    first minus the second.

    The share of a group is (unpruned - method) / (unpruned - floor), from mean accuracies over its
    tasks; floor: the method that sees no image. answers: as from `accuracy.by_method`; only
    examples that all three have answered count. Three rows with the columns value, low, high,
    examples, units: images are resampled. NaN where the image adds nothing.
    """
    names = [unpruned, method, floor]
    complete = answers[names].dropna()
    by_task = complete.unstack("task")  # rows: examples; columns: method, task
    images = by_task.index.get_level_values("image").to_numpy()
    sums = unit_sums(countable(by_task.to_numpy()), images)
    tasks = by_task.columns.get_level_values("task").unique()
    weights = pd.DataFrame(groups).reindex(tasks).fillna(0.0).to_numpy()  # (tasks, groups)

    def statistic(totals: np.ndarray) -> np.ndarray:
        means = ratio(totals).reshape(*totals.shape[:-1], len(names), len(tasks))
        whole, left, least = np.moveaxis(means @ weights, -2, 0)
        adds = np.where(whole > least, whole - least, np.nan)
        shares = (whole - left) / adds
        return np.concatenate([shares, shares[..., :1] - shares[..., 1:]], axis=-1)

    fewest = complete.reset_index().groupby("task")["image"].nunique().min()
    table = bootstrap.interval(sums, statistic, units=np.full(3, fewest))
    estimates = pd.DataFrame(table, columns=["value", "low", "high"])
    return estimates.assign(examples=len(complete), units=len(sums))
