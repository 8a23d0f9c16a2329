"""Whole figures that several scripts draw from tables of estimates."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prunescope.figures import drawing, theme
from prunescope.method_names import BASELINE, LABELS, label, parse

LEAST_SPAN = 0.2  # least span of the scale of `pair_maps`
MOST_ROWS = 2  # panels of `tradeoff` above each other


def forest(table: pd.DataFrame, methods: Sequence[str], xlabel: str) -> Figure:
    """A panel for each `group` of the table, a row for each method with its interval. The unpruned
    model is a dashed line. A group may lack methods."""
    groups = table["group"].unique()
    size = theme.PAGE, 0.75 + 0.17 * len(methods)
    figure, [axes] = theme.canvas(1, len(groups), size, sharey=True, sharex=True)
    table = table.assign(row=table["method"].map({m: row for row, m in enumerate(methods)}))
    looks = theme.palette(methods)
    for panel, group in zip(axes, groups, strict=True):
        rows = table[table["group"] == group]
        for whole in rows.loc[rows["method"] == BASELINE, "value"]:
            theme.reference(panel, whole, vertical=True)
        drawing.intervals(panel, rows.dropna(subset="row"), "row", "method", looks)
        panel.set(title=group, xlabel=xlabel, xlim=(-0.03, 1.03))
    rows_named(axes, methods)
    return figure


def rows_named(axes: Sequence[Axes], methods: Sequence[str]) -> None:
    """A row for each method, the first at the top, named at the left of panels that share it."""
    axes[0].set_yticks(range(len(methods)), [label(method) for method in methods])
    axes[0].set_ylim(len(methods) - 0.5, -0.5)
    for panel in axes:
        panel.tick_params(axis="y", length=0, labelleft=panel is axes[0])


def pair_maps(table: pd.DataFrame, first: str, second: str) -> Figure:
    """A heat map for each `group` of a table as from `by_pair`, and one of T/N.

    Lighter is higher; each map has a scale of its own. first, second: what rows and columns are.
    """
    spent = table.drop_duplicates("method").assign(group="visual tokens per layer, T/N")
    table = pd.concat([table, spent.assign(value=spent["share"])], ignore_index=True)
    groups = table["group"].unique()
    size = theme.PAGE, 0.8 + 0.22 * table["first"].nunique()
    figure, [axes] = theme.canvas(1, len(groups), size, sharey=True)
    for panel, group in zip(axes, groups, strict=True):
        cells = table[table["group"] == group]
        cells = cells.pivot(index="first", columns="second", values="value")
        low, high = cells.min(axis=None), cells.max(axis=None)
        spare = max(0.0, LEAST_SPAN - (high - low)) / 2  # so that small differences look small
        drawing.heatmap(panel, cells, (low - spare, high + spare), "cividis", annot=True, fmt=".3f")
        panel.set(title=group, xlabel=second, ylabel="")
    axes[0].set_ylabel(first)
    return figure


def tradeoff(table: pd.DataFrame, families: Sequence[str], x: str, xlabel: str) -> Figure:
    """Accuracy over the column `x`: a column of panels for each `group`, a row for each layer K.

    table: columns as from `by_group`. Each of `families` that prunes at one layer has a line in the
    row of that layer; families of several stages, or before the LLM, have theirs in every row.
    Random choices are a grey band. Columns "<x>_q25" and "<x>_q75", if there are any, are drawn as
    horizontal bars.
    """
    points = _points(table, families)
    layers = _swept_layers(points)
    groups, looks = table["group"].unique(), theme.palette(f for f in families if f != "random")
    size = theme.PAGE, 0.6 + 1.8 * len(layers)
    figure, axes = theme.canvas(len(layers), len(groups), size, sharex=True, sharey="row")
    for line, layer in zip(axes, layers, strict=True):
        row = points[points["layer"].isin([layer, ""])]
        for panel, group in zip(line, groups, strict=True):
            whole = table[(table["group"] == group) & (table["method"] == BASELINE)].iloc[0]
            theme.reference(panel, whole["value"], "unpruned" if panel is axes[0, 0] else "")
            if f"{x}_q25" in table:  # a time, not a share
                theme.reference(panel, whole[x], vertical=True)
            _tradeoff(panel, row[row["group"] == group], x, looks)
            panel.set_title(f"{group}, one stage at K = {layer}" if layer else group)
        lowest = np.floor(5 * row["low"].fillna(row["value"]).min()) / 5
        line[0].set(ylabel="Accuracy", ylim=(lowest, 1.03))
    drawing.outer_labels(axes)
    for panel in axes[-1]:
        panel.set_xlabel(xlabel)
        panel.set_xlim(left=0)
    shown = {family: looks[family] for family in looks if family in set(points["family"])}
    drawing.mark_legend(figure, shown, LABELS, _band_handles(points))
    return figure


def _band_handles(points: pd.DataFrame) -> list[Line2D]:
    """The entry of the legend for random choices, if there are any."""
    style = theme.LOOKS["random"]
    if "random" not in set(points["family"]):
        return []
    look = {"color": style.color, "marker": style.marker, "alpha": 0.5, "lw": 5}
    return [Line2D([], [], label="Random choice", **look)]


def _points(table: pd.DataFrame, families: Sequence[str]) -> pd.DataFrame:
    """The points of sweeps of the families, with `family` and `layer`: K of methods with one stage
    inside the LLM, otherwise empty. A control, such as a replay, is no point of its family."""
    names = table["method"].map(parse)
    stems = names.map(lambda name: name.stem)
    points = table.assign(family=stems)[stems.isin(families)]
    elsewhere = points["layers"].str.contains(",") | (points["layers"] == "0")
    return points.assign(layer=points["layers"].mask(elsewhere, ""))


def _swept_layers(points: pd.DataFrame) -> list[str]:
    """Layers of most lines, earliest first; `[""]` if no point has a layer."""
    single = points[(points["layer"] != "") & (points["family"] != "random")]
    if single.empty:
        return [""]
    methods = single.drop_duplicates("method")["layer"].value_counts(sort=False)
    most = methods.sort_values(ascending=False, kind="stable").index[:MOST_ROWS]
    return sorted(most, key=int)


def _tradeoff(panel: Axes, points: pd.DataFrame, x: str, looks: Mapping[str, theme.Look]) -> None:
    """Lines of the families, and the band of random choices; without lines over a measured `x`,
    whose noise would make them zigzag."""
    spread = points[points["family"] == "random"].sort_values(x)
    if len(spread):
        style = theme.LOOKS["random"]
        shade = {"color": style.color, "alpha": 0.3, "lw": 0}
        panel.fill_between(spread[x], spread["low"], spread["high"], **shade)
        drawing.bars(panel, spread, x, "family", {"random": style}, line=False)
    rows = points[points["family"].isin(looks)]
    measured = f"{x}_q25" in points
    if measured:
        colors = rows["family"].map(lambda family: looks[family].color)
        panel.hlines(rows["value"], rows[f"{x}_q25"], rows[f"{x}_q75"], colors=colors, lw=0.8)
    drawing.bars(panel, rows, x, "family", looks, line=not measured)
