"""Share of what the image adds that a method loses."""

import numpy as np
import pandas as pd
import pytest

from prunescope.statistics import image_share
from prunescope.statistics.bootstrap import Bootstrap

GROUPS = {"boxes": {"locate": 1.0}, "others": {"color": 0.5, "count": 0.5}}
BOOTSTRAP = Bootstrap(500)
NAMES = ("whole", "method", "floor")


def answers(whole, method, floor, images=40):
    """Scores by (task, example, image): chances of each method by task, drawn from a seed."""
    rng = np.random.default_rng(3)
    index, rows = [], []
    for task in ("locate", "color", "count"):
        for example in range(2 * images):
            index.append((task, f"{task}-{example}", f"image-{example // 2}"))
            rows.append([float(rng.random() < chances[task]) for chances in (whole, method, floor)])
    names = ["task", "example", "image"]
    return pd.DataFrame(rows, pd.MultiIndex.from_tuples(index, names=names), list(NAMES))


def chances(locate, color, count):
    return {"locate": locate, "color": color, "count": count}


def losses(values):
    return image_share.losses(values, *NAMES, GROUPS, BOOTSTRAP)


def test_shares_are_of_mean_accuracies():
    values = answers(chances(0.9, 1, 0.8), chances(0.3, 0.9, 0.7), chances(0.1, 0.5, 0.4))
    means = values.groupby("task").mean()
    expected = []
    for weights in GROUPS.values():
        whole, method, floor = (pd.Series(weights) @ means.loc[list(weights), n] for n in NAMES)
        expected.append((whole - method) / (whole - floor))
    table = losses(values)
    assert table["value"].tolist() == pytest.approx([*expected, expected[0] - expected[1]])
    assert ((table["low"] < table["value"]) & (table["value"] < table["high"])).all()
    assert table["units"].tolist() == [40] * 3 and table["examples"].tolist() == [240] * 3


def test_where_the_image_adds_everything_shares_are_losses():
    """Then intervals are those of accuracies: the same resamples of the same images."""
    values = answers(chances(1, 1, 1), chances(0.3, 0.6, 0.9), chances(0, 0, 0))
    contrast = {"contrast": {"locate": 1.0, "color": -0.5, "count": -0.5}}
    lost = (values["whole"] - values["method"]).unstack("task")
    groups = pd.DataFrame(GROUPS | contrast).reindex(lost.columns).fillna(0.0)
    images = lost.index.get_level_values("image").to_numpy()
    expected = BOOTSTRAP.weighted_means(lost.to_numpy(), images, groups.to_numpy().T)
    columns = ["value", "low", "high"]
    assert losses(values)[columns].to_numpy() == pytest.approx(expected[columns].to_numpy())


def test_where_the_image_adds_nothing_there_is_no_share():
    values = answers(chances(1, 0.5, 0.5), chances(0.5, 0.5, 0.5), chances(0, 1, 1))
    table = losses(values)
    assert table["value"].notna().tolist() == [True, False, False]


def test_only_questions_that_all_three_have_answered_count():
    values = answers(chances(1, 1, 1), chances(0.5, 0.5, 0.5), chances(0, 0, 0))
    gaps = values.copy()
    gaps.iloc[:10, 1] = np.nan
    table = losses(gaps)
    assert table["examples"].tolist() == [230] * 3
    assert table["value"][0] == pytest.approx(1 - gaps["method"]["locate"].mean())
