"""What is kept of the target and how often it is found, by the target's height in the image.

Each panel is one method and is drawn like the image: the top of it at the top. Filled marks are
the share of the true box's tokens that are left after the last stage, open marks the accuracy of
localization, both for targets whose centre lies in that quarter of the image's height; the grey
line is the accuracy of the unpruned model. Bars are 95 % intervals that resample images. Marks
that go to the right downwards mean that targets at the bottom fare better.
"""

from prunescope.jobs import run

from functools import partial

from prunescope.figures import tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.boxes import BAND_CONTRAST, BANDS, by_band, with_recall
from prunescope.statistics.by_method import check_methods, present
from prunescope.statistics.reading import read_records, read_scores

NAMES = ["top", "upper middle", "lower middle", "bottom"]


def make(records, attention, png, svg, csv, methods=(), bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores, for the grid of visual tokens; methods: panels, all by default."""
    scores = read_scores(attention)
    grid = scores.sizes["row"], scores.sizes["col"]
    columns, recalls = ["score", "target_box", "kept"], partial(with_recall, grid=grid)
    boxed = read_records(records, columns, transform=recalls).drop(columns="target_box")
    table = by_band(boxed, bootstrap)
    tables.write(table, csv)
    check_methods(boxed, [BASELINE])
    shown = present(boxed, [m for m in methods or table["method"].unique() if m != BASELINE])
    theme.save(draw(table[table["band"] != BAND_CONTRAST], shown), png, svg)


def draw(table, methods):
    """table: `by_band` without contrasts."""
    rows = -(-len(methods) // 4)
    size, shared = (8.4, 0.9 + 1.7 * rows), {"sharex": True, "sharey": True}
    figure, axes = theme.canvas(rows, min(len(methods), 4), size, **shared)
    part = table.set_index(["method", "measure"]).sort_index()
    full = part.loc[(BASELINE, "accuracy")]
    for panel, method in zip(axes.flat, methods, strict=False):
        look = theme.style(method)
        panel.plot(full["value"], full["band"], color="0.6", lw=1.2, label="Accuracy, unpruned")
        for measure, offset, fill in (("recall", -0.1, look.color), ("accuracy", 0.1, "white")):
            rows = part.loc[(method, measure)]
            heights = rows["band"].to_numpy(float) + offset
            theme.whiskers(panel, rows, heights, look, mfc=fill, marker="o")
        panel.set_title(look.label)
    for panel in axes.flat[len(methods) :]:
        panel.set_visible(False)
    axes[0, 0].set(yticks=range(BANDS), yticklabels=NAMES, xlim=(-0.03, 1.03))
    axes[0, 0].invert_yaxis()
    figure.supxlabel("Box tokens kept (filled) and accuracy (open); grey: unpruned", fontsize=9)
    figure.supylabel("Height of the target", fontsize=9)
    return figure


run(make, globals())
