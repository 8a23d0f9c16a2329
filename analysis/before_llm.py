"""What earlier layers add: tokens removed inside the LLM, and the same removed before it.

Each row is one choice of tokens. Removed before the LLM, no layer sees the other tokens; compact
numbers the remaining tokens anew. FasterVLM and VisionZip choose without the LLM. Right of each
accuracy stands the paired difference from removal inside the LLM, or from original positions.
Dashed: the unpruned model. Bars: 95 % intervals, by image. The table also has each task.
"""

from prunescope.jobs import run

from itertools import pairwise

import pandas as pd

from prunescope.figures import charts, drawing, tables, theme
from prunescope.method_names import BASELINE, BEFORE_LLM, parse
from prunescope.statistics.accuracy import by_method, estimates
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import check_methods, group_weights, present
from prunescope.statistics.reading import read_records

INSIDE, BEFORE, COMPACT = "inside the LLM", "before the LLM", "before the LLM, compact"
NOTHING = "no image"
LOOKS = {
    INSIDE: theme.LOOKS["fastv"],
    BEFORE: theme.LOOKS["fastv-norope"],
    COMPACT: theme.LOOKS["uniform"],
    NOTHING: theme.LOOKS["text-only"],
}


def make(records, png, svg, pdf, csv, methods, bootstrap: Bootstrap = Bootstrap()):
    """methods: rows from top to bottom, and their variations before the LLM."""
    records = read_records(records, ["score", "target_box"])
    check_methods(records, [BASELINE])
    methods = present(records, methods)
    scores = by_method(records)
    layout = variations(methods)
    by_task = estimates(scores, None, bootstrap)
    by_task = by_task[by_task["method"].isin([BASELINE, *methods])]
    change = {f"{a} - {b}": scores[a] - scores[b] for a, b in pairs(layout)}
    columns = scores[[BASELINE, *methods]].assign(**change)
    grouped = estimates(columns, group_weights(records), bootstrap, paired=list(change))
    tables.write(pd.concat([by_task, grouped]), csv)
    theme.save(draw(grouped, layout), png, svg, pdf)


def variations(methods):
    """Columns method, row (what chooses the tokens) and place (where the others are removed)."""
    rows = []
    for method in methods:
        words = parse(method).words
        row = method
        for word in words:
            row = row.replace(f"-{word}", "")
        compact = "compact" in words or f"{method}-original" in methods
        before = BEFORE_LLM in words or "original" in words
        place = COMPACT if compact else BEFORE if before else INSIDE
        place = NOTHING if method == "text-only" else place
        rows.append({"method": method, "row": row, "place": place})
    return pd.DataFrame(rows)


def pairs(layout):
    """(method, the one before it in the order of places) of each row that has several."""
    compared = []
    for _, rows in layout.groupby("row", sort=False):
        by_place = rows.set_index("place")["method"]
        ordered = [by_place[place] for place in LOOKS if place in by_place]
        compared += [(second, first) for first, second in pairwise(ordered)]
    return compared


def draw(table, layout):
    """table: estimates by group, of methods and of differences "first - second"."""
    groups, rows = table["group"].unique(), list(layout["row"].unique())
    size = theme.PAGE, 1.1 + 0.22 * len(rows)
    widths = [1.4, 1] * len(groups)
    figure, axes = theme.canvas(1, 2 * len(groups), size, sharey=True, width_ratios=widths)
    places = layout.set_index("method")
    names = table["method"].str.partition(" - ")[0]
    table = table.assign(
        row=names.map(places["row"]).map({row: i for i, row in enumerate(rows)}),
        place=names.map(places["place"]),
    )
    differ = table["method"].str.contains(" - ", regex=False)
    for (values, change), group in zip(axes.reshape(-1, 2), groups, strict=True):
        of_group = table["group"] == group
        whole = table.loc[of_group & (table["method"] == BASELINE), "value"].iloc[0]
        theme.reference(values, whole, vertical=True)
        theme.reference(change, 0, vertical=True)
        _dumbbells(values, table[of_group & ~differ].dropna(subset="row"))
        _dots(change, table[of_group & differ])
        values.set(title=group, xlabel="Accuracy", xlim=(-0.03, 1.03))
        change.set(xlabel="Paired difference")
    charts.rows_named(axes[0], rows)
    drawing.mark_legend(figure, LOOKS, {place: place for place in LOOKS})
    return figure


def _dumbbells(panel, rows):
    """A grey line from the lowest to the highest value of a row, under its marks."""
    ends = rows.groupby("row")["value"].agg(["min", "max"])
    panel.hlines(ends.index, ends["min"], ends["max"], color="0.75", lw=2, zorder=0)
    _dots(panel, rows)


def _dots(panel, rows):
    """Marks of one row stand a little below each other, so that none hides another."""
    if rows.empty:
        return
    order = {place: step for place, step in zip(LOOKS, (-0.2, 0.0, 0.2, 0.0), strict=True)}
    rows = rows.assign(row=rows["row"] + rows["place"].map(order))
    drawing.intervals(panel, rows, "row", "place", LOOKS)


run(make, globals())
