"""Whole figures that several scripts draw from tables of estimates. No statistics."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunescope.figures import theme
from prunescope.method_names import parse

LEAST_SPAN = 0.2  # of the scale of `pair_maps`
DASHES = ("-", "--", ":", "-.")  # of the lines of one family, by layers


def forest(table: pd.DataFrame, methods: Sequence[str], baseline: str, xlabel: str) -> Figure:
    """A panel for each `group` of the table, a row for each method with its interval; the
    baseline, if the group has it, as a dashed line. A method may lack groups."""
    groups = list(dict.fromkeys(table["group"]))
    size = 3.4 + max(1.1, 6.0 / (len(groups) + 1)) * len(groups), 0.9 + 0.25 * len(methods)
    figure, axes = theme.canvas(1, len(groups), size, sharey=True, sharex=True)
    cells = table.set_index(["group", "method"])
    for panel, group in zip(axes[0], groups, strict=True):
        if (group, baseline) in cells.index:
            theme.reference(panel, cells.loc[(group, baseline), "value"], "", vertical=True)
        for height, method in enumerate(methods):
            if (group, method) in cells.index:
                theme.whiskers(
                    panel, cells.loc[[(group, method)]], [height], theme.style(method), ms=4
                )
        panel.set(title=group, xlim=(-0.03, 1.03), xticks=[0, 0.5, 1], xticklabels=["0", ".5", "1"])
    axes[0, 0].set_yticks(range(len(methods)), [theme.style(m).label for m in methods])
    axes[0, 0].invert_yaxis()
    label = f"{xlabel} (dashed: {theme.style(baseline).label.lower()})"
    axes[0, len(groups) // 2].set_xlabel(label)
    return figure


def pair_maps(table: pd.DataFrame, first: str, second: str) -> Figure:
    """A heat map for each `group` of a table as from `by_pair`, and one of what the methods spend,
    brighter for higher, each with a scale of its own; first, second: what rows and columns are."""
    spent = table.drop_duplicates("method").assign(group="visual tokens per layer, T/N")
    table = pd.concat([table, spent.assign(value=spent["share"])], ignore_index=True)
    groups = list(dict.fromkeys(table["group"]))
    grids = [
        table[table["group"] == group].pivot(index="first", columns="second", values="value")
        for group in groups
    ]
    rows, columns = grids[0].shape
    size = 0.9 + len(groups) * (0.5 + 0.55 * columns), 1.0 + 0.42 * rows
    figure, axes = theme.canvas(1, len(groups), size, sharey=True)
    for panel, group, grid in zip(axes[0], groups, grids, strict=True):
        low, high = np.nanmin(grid.values), np.nanmax(grid.values)
        spare = max(0.0, LEAST_SPAN - (high - low)) / 2  # so that small differences look small
        span = {"vmin": low - spare, "vmax": high + spare}
        panel.imshow(grid.values, cmap="cividis", aspect="auto", **span)
        panel.spines[:].set_visible(False)
        panel.tick_params(length=0)
        theme.write_cells(panel, grid.values, "{:.3f}")
        panel.set(title=group, xlabel=second)
        panel.set_xticks(range(columns), grid.columns)
        panel.set_yticks(range(rows), grid.index)
    axes[0, 0].set_ylabel(first)
    return figure


def tradeoff(
    table: pd.DataFrame, families: Sequence[str], baseline: str, x: str, xlabel: str
) -> Figure:
    """Accuracy over the column `x`, a panel for each `group`: a line for each of `families` and
    set of layers. table: columns as from `by_group`; if "<x>_q25" and "<x>_q75" are among them,
    they are drawn as horizontal bars and the baseline's `x` as a line. Lines go on by `share`."""
    # a control, such as a replay, is not a point of its family's line
    table = table.assign(family=[parse(method).stem for method in table["method"]])
    groups = list(dict.fromkeys(table["group"]))
    figure, axes = theme.canvas(1, len(groups), (2.1 + 3.4 * len(groups), 3.6), sharey=True)
    for panel, group in zip(axes[0], groups, strict=True):
        part = table[table["group"] == group]
        [(_, full)] = part[part["method"] == baseline].iterrows()
        theme.reference(panel, full["value"], theme.style(baseline).label.lower(), side="left")
        if f"{x}_q25" in table:
            theme.reference(panel, full[x], "", vertical=True)
        _lines(panel, part, families, x)
        panel.set(title=group, xlabel=xlabel)
        panel.set_xlim(left=0)
        panel.set_ylim(0, 1.04)
    axes[0, 0].set_ylabel("Accuracy")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def _lines(panel: Axes, rows: pd.DataFrame, families: Sequence[str], x: str) -> None:
    """A line for each family, in this order, and set of layers, earlier ones first."""
    seen: Counter[str] = Counter()
    lines = dict(list(rows[rows["family"].isin(families)].groupby(["family", "layers"])))
    for family, layers in sorted(lines, key=lambda key: (families.index(key[0]), _depths(key[1]))):
        line, look = lines[family, layers].sort_values("share"), theme.style(family)
        panel.vlines(line[x], line["low"], line["high"], color=look.color, lw=1)
        if f"{x}_q25" in line:
            panel.hlines(line["value"], line[f"{x}_q25"], line[f"{x}_q75"], color=look.color, lw=1)
        dash = DASHES[seen[family] % len(DASHES)]
        seen[family] += 1
        panel.plot(
            line[x], line["value"], dash, color=look.color, marker=look.marker, ms=4.5, lw=1.2,
            label=f"{look.label}, K = {layers}",
        )  # fmt: skip


def _depths(layers: str) -> list[float]:
    return [float(each) for each in layers.split(", ")]
