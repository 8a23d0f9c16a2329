"""Target tokens kept and accuracy, by the target's vertical position in the image.

Both panels are drawn like the image: targets at its top stand at the top. Left is the share of the
target's tokens after the last stage, right the accuracy of localization, for targets whose centre
lies in that quarter of the image's height. A line that runs to the right downwards favours targets
at the bottom. Bars: 95 % intervals, by image.
"""

from prunescope.jobs import run

from functools import partial

from prunescope.figures import drawing, tables, theme
from prunescope.method_names import BASELINE, label
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.boxes import BAND_CONTRAST, BANDS, by_band, with_recall
from prunescope.statistics.by_method import check_methods, present
from prunescope.statistics.reading import read_records, read_scores

BAND_NAMES = ["top", "upper\nmiddle", "lower\nmiddle", "bottom"]
PANELS = {"recall": "Share of the target's tokens kept", "accuracy": "Accuracy of localization"}


def make(records, attention, png, svg, pdf, csv, methods=(), bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores, for the grid of visual tokens; methods: lines, all by default."""
    scores = read_scores(attention)
    grid = scores.sizes["row"], scores.sizes["col"]
    columns, recalls = ["score", "target_box", "kept"], partial(with_recall, grid=grid)
    boxed = read_records(records, columns, transform=recalls).drop(columns="target_box")
    table = by_band(boxed, bootstrap)
    tables.write(table, csv)
    check_methods(boxed, [BASELINE])
    shown = present(boxed, [m for m in methods or table["method"].unique() if m != BASELINE])
    theme.save(draw(table[table["band"] != BAND_CONTRAST], shown), png, svg, pdf)


def draw(table, methods):
    """table: `by_band` without contrasts."""
    figure, [axes] = theme.canvas(1, 2, (theme.PAGE, 2.6), sharey=True)
    looks = theme.palette([*methods, BASELINE])
    spread = {method: 0.06 * (i - len(methods) / 2) for i, method in enumerate(looks)}
    table = table[table["method"].isin(looks)]
    table = table.assign(height=table["band"].astype(float) + table["method"].map(spread))
    for panel, (measure, text) in zip(axes, PANELS.items(), strict=True):
        rows = table[table["measure"] == measure]
        # without pruning all of a target is kept
        _lines(panel, rows if measure == "accuracy" else rows[rows["method"] != BASELINE], looks)
        panel.set(xlabel=text, xlim=(-0.03, 1.03), ylim=(BANDS - 0.5, -0.5))
    axes[0].set_yticks(range(BANDS), BAND_NAMES)
    drawing.outer_labels([axes])
    axes[0].set_ylabel("Target's place in the image")
    names = {method: label(method) for method in looks}
    drawing.mark_legend(figure, looks, names, loc="outside right center")
    return figure


def _lines(panel, rows, looks):
    drawing.intervals(panel, rows, "height", "method", looks)
    for method, look in looks.items():
        line = rows[rows["method"] == method].sort_values("height")
        panel.plot(line["value"], line["height"], color=look.color, lw=0.8, alpha=0.6)


run(make, globals())
