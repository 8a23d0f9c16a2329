"""Where kept tokens lie when the model reads the image in another order.

The model reads the visual tokens row by row, from their end (reversed) or column by column
(transposed); the picture stays. Maps: how often a token is kept, over a random choice, at its place
in the image; above them mean row and column (0 to 1) and their paired shift. Right: accuracy, in
grey unpruned in the same order. Intervals: 95 %, by image.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.errors import InputError
from prunescope.figures import drawing, tables, theme
from prunescope.method_names import BASELINE, label
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group, check_methods, present
from prunescope.statistics.position import kept_centres, kept_masks
from prunescope.statistics.reading import read_records, read_scores

ORDERS = {"": "row by row", "-reversed": "reversed", "-transposed": "transposed"}
MOVED = {"-reversed": "mean_row", "-transposed": "mean_col"}  # what the order should move


def make(records, attention, png, svg, pdf, csv, methods, bootstrap: Bootstrap = Bootstrap()):
    """methods: of one stage, a row each; with the endings of `ORDERS` they, and the unpruned model,
    are those that read in the other orders. attention: for the grid."""
    grid = read_scores(attention).shape[-2:]
    records = read_records(records, [*COLUMNS, "kept"])
    whole = [BASELINE + end for end in ORDERS]
    check_methods(records, whole)
    recorded = present(records, [name + end for name in methods for end in ORDERS])
    methods = [name for name in methods if all(name + end in recorded for end in ORDERS)]
    if not methods:
        raise InputError(f"methods: none has records in every order; there are {recorded}")
    names = [name + end for name in methods for end in ORDERS]
    masks = kept_masks(records[records["method"].isin(names)], grid)
    pairs = [(name + end, name) for name in methods for end in MOVED]
    centres = kept_centres(masks, bootstrap, pairs)
    accuracy = by_group(records, [*names, *whole], bootstrap)
    parts = [centres, accuracy.rename(columns={"group": "measure"})]
    tables.write(pd.concat(parts).drop(columns=["layers", "tokens", "share"]), csv)
    maps = masks.groupby("method").mean()
    theme.save(draw(maps, centres, accuracy, methods), png, svg, pdf)


def draw(maps, centres, accuracy, methods):
    """maps: share of questions that keep each token (method, row, col); centres, accuracy: the rows
    of the table."""
    groups = accuracy["group"].unique()
    size = theme.PAGE, 0.5 + 1.6 * len(methods)
    widths = [1] * len(ORDERS) + [0.75] * len(groups)
    figure, axes = theme.canvas(len(methods), len(widths), size, width_ratios=widths)
    centres = centres.set_index(["method", "measure"])
    for line, method in zip(axes, methods, strict=True):
        for panel, (end, order) in zip(line, ORDERS.items(), strict=False):
            kept = maps.sel({"method": method + end})
            drawing.ratio_map(panel, (kept / kept.mean()).values)
            place = _place(centres, method, end)
            panel.set_title(f"{order}\n{place}" if method == methods[0] else place)
        for panel, group in zip(line[len(ORDERS) :], groups, strict=True):
            _accuracy(panel, accuracy[accuracy["group"] == group], method)
            panel.set_title(f"accuracy\n{group}" if method == methods[0] else "")
        line[0].set_ylabel(theme.wrapped(label(method), 20))
        line[len(ORDERS)].set_yticks(range(len(ORDERS)), ORDERS.values())
    drawing.ratio_bar(figure, axes[:, : len(ORDERS)], location="bottom", shrink=0.5)
    return figure


def _place(centres, method, end):
    """Mean row and column of the kept tokens, and their shift from reading row by row."""
    row, column = (centres.loc[(method + end, name), "value"] for name in ("mean_row", "mean_col"))
    place = f"row {row:.2f}, column {column:.2f}"
    if end not in MOVED:
        return f"{place}\n"
    shift = centres.loc[(f"{method}{end} - {method}", MOVED[end])]
    return f"{place}\n{shift['value']:+.2f} [{shift['low']:+.2f}, {shift['high']:+.2f}]"


def _accuracy(panel, rows, method):
    """Accuracy in each order, below that of the unpruned model."""
    looks = {BASELINE: theme.Look(theme.LOOKS["random"].color, "*"), method: theme.look(method)}
    parts = [
        rows.set_index("method").loc[name + end].to_dict() | {"method": name, "row": row + shift}
        for row, end in enumerate(ORDERS)
        for name, shift in ((BASELINE, -0.12), (method, 0.12))
    ]
    drawing.intervals(panel, pd.DataFrame(parts), "row", "method", looks)
    panel.set(xlim=(-0.03, 1.03), ylim=(len(ORDERS) - 0.5, -0.5), yticks=[])
    panel.set(xticks=[0, 0.5, 1], xticklabels=["0", ".5", "1"])


run(make, globals())
