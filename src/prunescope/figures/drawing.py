"""Draws the marks that figures share on given Axes, with seaborn, from tables of estimates.

A table has a row for each estimate: columns `value`, `low` and `high` (its interval).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prunescope.figures.quick_seaborn import sns, so
from prunescope.figures.theme import DIVERGING, VARIANT_LABELS, VARIANTS, Look

Looks = Mapping[str, Look]
LABEL_GAP = 9.0  # points between the base lines of two labels
POINT = 4.0  # size of a mark
RATIO_SPAN = (-2, 2)  # log2: from a quarter to four times
RATIO_TICKS = {-2: "¼", -1: "½", 0: "1", 1: "2", 2: "4"}


def curves(axes: Axes, table: pd.DataFrame, x: str, by: str, looks: Looks) -> None:
    """A line through `value` over the column `x`, with its interval as a band, for each value of
    the column `by` that has a look."""
    plot = so.Plot(table[table[by].isin(looks)], x=x, color=by, marker=by)
    plot = plot.add(so.Band(alpha=0.18), ymin="low", ymax="high", legend=False)
    line = so.Line(linewidth=1.2, pointsize=3.5)
    _draw(plot.add(line, y="value", legend=False), axes, looks)


def bars(axes: Axes, table: pd.DataFrame, x: str, by: str, looks: Looks, line: bool = True) -> None:
    """A mark at `value` over the column `x`, with its interval as a vertical bar, for each value of
    the column `by`; line: whether the marks of one value are joined."""
    plot = so.Plot(table, x=x, color=by, marker=by)
    plot = plot.add(so.Range(linewidth=0.8), ymin="low", ymax="high", legend=False)
    mark = so.Line(linewidth=1.2, pointsize=POINT) if line else so.Dot(pointsize=POINT)
    _draw(plot.add(mark, y="value", legend=False), axes, looks)


def intervals(axes: Axes, table: pd.DataFrame, y: str, by: str, looks: Looks) -> None:
    """A mark at `value` with its interval as a horizontal bar, at the height of the column `y`."""
    plot = so.Plot(table, y=y, color=by, marker=by)
    bar = so.Range(linewidth=1.0)
    plot = plot.add(bar, orient="y", xmin="low", xmax="high", legend=False)
    _draw(plot.add(so.Dot(pointsize=POINT), x="value", fill=by, legend=False), axes, looks)


def _draw(plot: so.Plot, axes: Axes, looks: Looks) -> None:
    colors = {name: look.color for name, look in looks.items()}
    markers = {name: look.marker for name, look in looks.items()}
    filled = {name: look.filled for name, look in looks.items()}
    plot = plot.scale(color=colors, marker=markers, fill=so.Nominal(filled))
    plot.label(x="", y="").on(axes).plot()


def outer_labels(axes: np.ndarray) -> None:
    """Labels of ticks only at the left of each row and below each column, where panels share."""
    for row, line in enumerate(axes):
        for column, panel in enumerate(line):
            panel.tick_params(labelleft=column == 0, labelbottom=row == len(axes) - 1)


def heatmap(
    axes: Axes,
    values: np.ndarray | pd.DataFrame,
    span: tuple[float, float],
    cmap: str = DIVERGING,
    **options: Any,
) -> None:
    """seaborn's heat map without a colour bar; cells beyond `span` have the colour of its end."""
    # cells as one picture: hundreds of outlines would show as hairlines in a PDF
    sns.heatmap(
        values, ax=axes, vmin=span[0], vmax=span[1], cmap=cmap, cbar=False, rasterized=True,
        annot_kws={"size": 7}, **options,
    )  # fmt: skip
    axes.tick_params(length=0, rotation=0)


def end_labels(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Name lines at the right of the Axes, whose limits are final.

    labels: height of the line's end (in data), text and colour. Labels that would touch are moved
    apart.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = [to_axes.transform((0.0, height))[1] for height, *_ in labels]
    tall = axes.get_window_extent().height * 72 / axes.figure.dpi  # in points
    for height, (_, text, color) in zip(apart(heights, LABEL_GAP / tall), labels, strict=True):
        axes.text(1.02, height, text, color=color, va="center", transform=axes.transAxes)


def apart(heights: Sequence[float], gap: float) -> np.ndarray:
    """The heights, moved by the least amount that puts neighbours at least `gap` apart; their order
    stays."""
    order = np.argsort(heights, kind="stable")
    placed = np.asarray(heights, float)[order]
    for _ in range(100):
        for lower in range(len(placed) - 1):
            overlap = gap - (placed[lower + 1] - placed[lower])
            if overlap > 0:
                placed[lower] -= overlap / 2
                placed[lower + 1] += overlap / 2
    return placed[np.argsort(order)]


def label_lines(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    by: str,
    looks: Looks,
    texts: Mapping[str, str],
) -> None:
    """`end_labels` of the lines that `curves` has drawn; texts: label of each value of `by`."""
    ends = table.sort_values(x).groupby(by, sort=False)["value"].last()
    shown = [name for name in looks if name in ends.index]
    end_labels(axes, [(ends[name], texts.get(name, name), looks[name].color) for name in shown])


def label_variants(axes: Axes, table: pd.DataFrame) -> None:
    """`end_labels` of the lines with and without RoPE in the score, by layer."""
    label_lines(axes, table, "layer", "variant", VARIANTS, VARIANT_LABELS)


def layer_ticks(axes: Axes, layers: pd.Series) -> None:
    """A tick at every layer, or at some of them where there are many."""
    values = sorted(layers.unique())
    axes.set_xticks(values[:: -(-len(values) // 12)])


def color_bar(
    figure: Figure,
    axes: Any,
    span: tuple[float, float],
    label: str,
    ticks: Sequence[float],
    cmap: str = DIVERGING,
    **options: Any,
) -> Colorbar:
    """The colour bar of heat maps that share `span`."""
    bar = figure.colorbar(
        ScalarMappable(Normalize(*span), cmap), ax=axes, ticks=ticks, aspect=14, pad=0.01, **options
    )
    bar.set_label(label)
    bar.outline.set_visible(False)
    return bar


def ratio_map(axes: Axes, ratio: np.ndarray) -> None:
    """How often tokens are kept, (rows, columns) over that of a random choice, as an image.

    It is no `heatmap`, which would draw the whole figure again for each map.
    """
    with np.errstate(divide="ignore"):
        levels = np.log2(ratio)  # minus infinity for a token that is never kept
    low, high = RATIO_SPAN
    axes.imshow(np.clip(levels, low, high), cmap=DIVERGING, vmin=low, vmax=high)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def ratio_bar(figure: Figure, axes: Any, **options: Any) -> None:
    """The colour bar of `ratio_map`."""
    label = "Kept, times chance"
    bar = color_bar(figure, axes, RATIO_SPAN, label, list(RATIO_TICKS), **options)
    bar.set_ticklabels(list(RATIO_TICKS.values()))


def mark_legend(
    figure: Figure,
    looks: Looks,
    texts: Mapping[str, str],
    extra: Sequence[Line2D] = (),
    loc: str = "outside upper left",
) -> None:
    """Legend of marks: one row above the panels, or one column beside them."""
    handles = [
        Line2D(
            [],
            [],
            color=look.color,
            marker=look.marker,
            ms=POINT,
            lw=1,
            label=texts.get(name, name),
            markerfacecolor=look.color if look.filled else "white",
        )
        for name, look in looks.items()
    ]
    handles += extra
    columns = len(handles) if "upper" in loc else 1
    figure.legend(handles=handles, loc=loc, ncols=columns, handlelength=1.6, columnspacing=1.2)
