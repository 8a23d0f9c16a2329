"""Does the bias turn when the model reads the image in another order?

The model itself reads the visual tokens row by row, from their end (reversed), or column by column
(transposed): their order for the causal mask changes, and so do their position ids, unless these
are places in the image (two-dimensional RoPE, M-RoPE) and stay; the picture and what the vision
tower makes of it do not change. A map shows how often each token is kept, in the place of the image
that it comes from; white is what an unbiased choice gives, red more often, blue less. If position
makes the choice, the map turns with the order: by half a turn when reversed, over the diagonal when
transposed. If the picture makes it, all three are the same. Above each map is the mean height (0
top, 1 bottom) and the mean column (0 left, 1 right) of what is kept, 0.5 without bias, and how far
the order moved the height (reversed) or the column (transposed), paired by question. On the right
is accuracy, and in grey that of the unpruned model that reads in the same order: it may be trained
on rows only, and a map says little where grey is low. Bars, and the intervals in the table, are 95
% and resample images.
"""

from prunescope.jobs import run

import numpy as np
import pandas as pd

from prunescope.errors import InputError
from prunescope.figures import tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group, check_methods, present
from prunescope.statistics.position import kept_centres, kept_masks
from prunescope.statistics.reading import read_records, read_scores

ORDERS = {"": "row by row", "-reversed": "reversed", "-transposed": "transposed"}
MOVED = {"-reversed": "mean_row", "-transposed": "mean_col"}  # what the order should move


def make(records, attention, png, svg, csv, methods, bootstrap: Bootstrap = Bootstrap()):
    """methods: of one stage, a row each; with the endings of `ORDERS` they, and the unpruned model,
    are those that read in the other orders. attention: for the grid."""
    grid = read_scores(attention).shape[-2:]
    records = read_records(records, [*COLUMNS, "kept"])
    whole = [BASELINE + end for end in ORDERS]
    check_methods(records, whole)
    found = present(records, [name + end for name in methods for end in ORDERS])
    methods = [name for name in methods if all(name + end in found for end in ORDERS)]
    if not methods:
        raise InputError(f"methods: none has records in every order; there are {found}")
    names = [name + end for name in methods for end in ORDERS]
    masks = kept_masks(records[records["method"].isin(names)], grid)
    pairs = [(name + end, name) for name in methods for end in MOVED]
    centres = kept_centres(masks, bootstrap, pairs)
    accuracy = by_group(records, [*names, *whole], bootstrap)
    parts = [centres, accuracy.rename(columns={"group": "measure"})]
    tables.write(pd.concat(parts).drop(columns=["layers", "tokens", "share"]), csv)
    maps = masks.groupby("method").mean()
    theme.save(draw(maps, centres, accuracy, methods), png, svg)


def draw(maps, centres, accuracy, methods):
    """maps: P(kept) (method, row, col); centres, accuracy: the rows of the table."""
    groups = list(dict.fromkeys(accuracy["group"]))
    size = 5.6 + 1.5 * len(groups), 0.4 + 1.75 * len(methods)
    widths = [1] * len(ORDERS) + [0.9] * len(groups)
    figure, axes = theme.canvas(len(methods), len(widths), size, width_ratios=widths)
    unbiased = float(maps.sel({"method": methods[0]}).mean())
    span = 0.0, max(float(maps.max()), np.nextafter(unbiased, 1))
    centres = centres.set_index(["method", "measure"])
    for line, method in zip(axes, methods, strict=True):
        line[0].set_ylabel(theme.style(method).label.replace(", ", "\n"))
        for panel, (end, order) in zip(line, ORDERS.items(), strict=False):
            image = theme.heat(panel, maps.sel({"method": method + end}).values, unbiased, span)
            where = _where(centres, method, end)
            title = f"{order}\n{where}" if method == methods[0] else where
            panel.set_title(title, fontsize=7.5)
            panel.set(xticks=[], yticks=[], aspect=1)
        for panel, group in zip(line[len(ORDERS) :], groups, strict=True):
            _accuracy(panel, accuracy[accuracy["group"] == group], method)
            if method == methods[0]:
                panel.set_title(f"accuracy\n{group}")
        line[len(ORDERS)].set_yticks(range(len(ORDERS)), ORDERS.values())
    bar = figure.colorbar(image, ax=axes[:, : len(ORDERS)], location="bottom", shrink=0.5, pad=0.02)
    bar.set_label(f"Share of questions that keep the token (unbiased: {unbiased:.2f})")
    return figure


def _where(centres, method, end):
    """Mean height and column, and how far from where the model reads row by row."""
    row, column = (centres.loc[(method + end, each), "value"] for each in ("mean_row", "mean_col"))
    where = f"height {row:.2f}, column {column:.2f}"
    if end not in MOVED:
        return f"{where}\n"
    moved = centres.loc[(f"{method}{end} - {method}", MOVED[end])]
    return f"{where}\nmoved {moved['value']:+.2f} [{moved['low']:+.2f}, {moved['high']:+.2f}]"


def _accuracy(panel, rows, method):
    rows, grey = rows.set_index("method"), theme.Style("", "0.6")
    for height, end in enumerate(ORDERS):
        theme.whiskers(panel, rows.loc[[BASELINE + end]], [height - 0.12], grey)
        theme.whiskers(panel, rows.loc[[method + end]], [height + 0.12], theme.style(method))
    panel.set(xlim=(-0.03, 1.03), ylim=(len(ORDERS) - 0.5, -0.5), yticks=[])
    panel.set(xticks=[0, 0.5, 1], xticklabels=["0", ".5", "1"])


run(make, globals())
