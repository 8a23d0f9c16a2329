"""Mean height of the kept tokens, and the share of them in the bottom quarter, by layer K.

The mean kept position of figure 3 of FEATHER. Left: 0 is the top of the image and 1 the bottom; a
choice without vertical bias lies at 0.5 (dashed). Right: without bias a quarter of the kept tokens
lies in the bottom quarter (dashed). Bands are 95 % intervals that resample images. The gap between
the lines is what rotary position embedding in the score does; what is left without it comes from
the image or from the model.
"""

from prunescope.jobs import run

from prunescope.figures import tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import position_bias
from prunescope.statistics.reading import read_scores

PANELS = {
    "mean_row": ("Mean height of kept tokens\n(0 top, 1 bottom)", 0.5),
    "bottom_quarter": ("Share of kept tokens\nin the bottom quarter", 0.25),
}


def make(attention, png, svg, csv, remove=0.75, bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores of scores."""
    table = position_bias(read_scores(attention), [remove], bootstrap)
    tables.write(table, csv)
    theme.save(draw(table), png, svg)


def draw(table):
    figure, axes = theme.canvas(1, 2, (8, 3))
    for panel, (measure, (title, unbiased)) in zip(axes[0], PANELS.items(), strict=True):
        rows = table[table["measure"] == measure]
        for variant, look in theme.VARIANTS.items():
            theme.curve(panel, rows[rows["variant"] == variant], "layer", look)
        theme.reference(panel, unbiased, "no bias")
        panel.set(xlabel="Layer K before which tokens are removed", ylabel=title)
        panel.set_xticks(sorted(rows["layer"].unique()))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


run(make, globals())
