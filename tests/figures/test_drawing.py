"""Marks that figures share: lines, intervals, labels."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from prunescope.figures import drawing, theme


@pytest.fixture
def panel():
    figure, [[panel]] = theme.canvas(1, 1, (theme.COLUMN, 2))
    yield panel
    plt.close(figure)


@pytest.fixture
def table():
    rows = [(k, v, k / 10 + (v == "rope"), k / 10, k) for k in (1, 2, 3) for v in theme.VARIANTS]
    return pd.DataFrame(rows, columns=["layer", "variant", "value", "low", "high"])


def test_curves_draw_the_numbers_of_the_table(panel, table):
    drawing.curves(panel, table, "layer", "variant", theme.VARIANTS)
    lines = {line.get_color(): line for line in panel.lines}
    for variant, look in theme.VARIANTS.items():
        rows = table[table["variant"] == variant]
        drawn = [
            line
            for color, line in lines.items()
            if plt.matplotlib.colors.same_color(color, look.color)
        ]
        np.testing.assert_allclose(drawn[0].get_ydata(), rows["value"])


def test_an_estimate_without_an_interval_is_drawn(panel, table):
    drawing.curves(panel, table.assign(low=np.nan, high=np.nan), "layer", "variant", theme.VARIANTS)
    drawing.bars(panel, table.assign(low=np.nan, high=np.nan), "layer", "variant", theme.VARIANTS)
    assert sum(np.isfinite(line.get_ydata()).sum() for line in panel.lines) == 4 * 3


def test_labels_are_moved_apart_and_keep_their_order():
    heights = [0.5, 0.52, 0.1, 0.51]
    placed = drawing.apart(heights, 0.1)
    assert list(np.argsort(placed)) == list(np.argsort(heights))
    assert np.diff(np.sort(placed)).min() >= 0.1 - 1e-6
    assert placed[2] == 0.1  # nothing is near
    assert placed[[0, 1, 3]].mean() == pytest.approx(0.51, abs=1e-6)


def test_end_labels_follow_an_inverted_axis(panel):
    panel.set_ylim(1, 0)
    drawing.end_labels(panel, [(0.1, "top", "black"), (0.9, "bottom", "black")])
    heights = {text.get_text(): text.get_position()[1] for text in panel.texts}
    assert heights["top"] == pytest.approx(0.9) and heights["bottom"] == pytest.approx(0.1)


def test_a_token_that_is_never_kept_has_the_end_of_the_scale(panel):
    drawing.ratio_map(panel, np.array([[0.0, 1.0], [2.0, 100.0]]))
    cells = panel.images[0].get_array().ravel()
    np.testing.assert_allclose(cells, [drawing.RATIO_SPAN[0], 0, 1, drawing.RATIO_SPAN[1]])
