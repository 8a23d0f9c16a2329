"""Where does the model read the image? Accuracy when all visual tokens go before layer K.

First panel: the share of what the image adds that is there at K; text alone is 0, the unpruned
model 1. Its upper axis has layers of the paper's models, at the same place on the curve: those have
read by half of their depth, which stands where this model reaches 90 % (dashed) of localization.
Others: accuracy of each task, with both ends dashed. Bands: 95 % intervals, by image.
"""

from prunescope.jobs import run

from prunescope.figures import drawing, tables, theme
from prunescope.statistics.accuracy import LOCALIZATION, OTHER
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS
from prunescope.statistics.reading import read_records
from prunescope.statistics.reading_curve import (
    MOST,
    PAPER_DEPTH,
    PAPER_LAYERS,
    Curve,
    same_place,
)

ACROSS = 4  # panels in a row
GROUPS = {LOCALIZATION: theme.LOOKS["fastv"], OTHER: theme.LOOKS["fastv-norope"]}
TASK = theme.LOOKS["no-image"]


def make(
    records, png, svg, pdf, csv, paper_layers=PAPER_LAYERS, bootstrap: Bootstrap = Bootstrap()
):  # fmt: skip
    """paper_layers: layers of the paper's models that are marked."""
    curve = Curve.of(read_records(records, COLUMNS))
    reading = curve.reading(bootstrap, paper_layers)
    table = curve.accuracies(bootstrap)
    tables.write(table, csv)
    theme.save(draw(table, reading, paper_layers), png, svg, pdf)


def draw(table, reading, paper_layers=PAPER_LAYERS):
    """table, reading: as from `Curve.accuracies` and `Curve.reading`."""
    tasks = [name for name in table["group"].unique() if name not in GROUPS]
    lines = -(-(1 + len(tasks)) // ACROSS)
    across = min(ACROSS, 1 + len(tasks))
    size = theme.PAGE, 1.2 + 1.4 * lines
    figure, axes = theme.canvas(lines, across, size, sharex=True, sharey=True)
    panels = list(axes.flat)
    _shares(panels[0], table[table["group"].isin(GROUPS)], reading, paper_layers)
    for panel, task in zip(panels[1:], tasks, strict=False):
        _accuracy(panel, table[table["group"] == task])
    for panel in panels[1 + len(tasks) :]:
        panel.set_axis_off()
    panels[0].set(ylim=(0, 1.04), yticks=(0, 0.5, 1))
    for line in axes:
        line[0].set_ylabel("Share" if line[0] is panels[0] else "Accuracy")
    for panel in axes[-1]:
        panel.set_xlabel("Layer K from which on\nthere is no image")
    drawing.layer_ticks(panels[0], table["layer"])
    drawing.outer_labels(axes)
    shown = {group: look for group, look in GROUPS.items() if group in set(table["group"])}
    drawing.mark_legend(figure, shown, {}, loc="outside lower left")
    theme.headline(figure, message(reading))
    return figure


def _shares(panel, table, reading, paper_layers):
    """The share of what the image adds that is there at K, of both groups of tasks."""
    ends = {"read": "value", "read low": "low", "read high": "high"}
    rows = table.drop(columns=[*ends.values()]).rename(columns=ends).dropna(subset="value")
    drawing.curves(panel, rows, "layer", "group", GROUPS)
    theme.reference(panel, MOST)
    panel.set_title("share read", pad=24)
    located = reading[reading["group"] == LOCALIZATION].dropna(subset="most")
    for row in located.itertuples():
        places = [same_place(layer, row.most, row.depth) for layer in paper_layers]
        upper = panel.secondary_xaxis("top")
        upper.set_xticks(places, list(map(str, paper_layers)))
        upper.set_xlabel(f"the paper's layers, of {PAPER_DEPTH}")


def _accuracy(panel, rows):
    """Accuracy of one task."""
    drawing.curves(panel, rows, "layer", "group", {rows["group"].iloc[0]: TASK})
    for end in ("text_only", "unpruned"):
        theme.reference(panel, rows[end].iloc[0])
    panel.set_title(rows["group"].iloc[0])


def message(reading):
    """Where the image is read, of the groups of tasks to which it adds something."""
    rows = reading[reading["group"].isin(GROUPS)].dropna(subset="half")
    texts = [f"to {row.group} by {row.half:.1f} and {row.most:.1f}" for row in rows.itertuples()]
    if not texts:
        return "The image adds to no group of tasks more than noise may"
    depth = reading["depth"].iloc[0]
    return f"Layer by which half and 90 % of what the image adds is read, of {depth}: " + ", ".join(
        texts
    )


run(make, globals())
