"""Direction and size of the positional bias, by layer K, with and without RoPE in the score.

Direction: Spearman's correlation of a token's score and its index in raster order; above 0, later
tokens score higher. Size: total variation between the map of kept tokens and an even one, less what
noise adds. Dashed: a random choice. Bands: 95 % intervals, by image. The table has two more
measures.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import drawing, tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.decay import rank_correlation
from prunescope.statistics.position import map_bias, position_bias
from prunescope.statistics.reading import read_scores

PANELS = {
    "rank_correlation": ("Direction", "Correlation of score\nand raster index"),
    "total_variation": ("Size", "Total variation from\nan even map"),
}


def make(attention, png, svg, pdf, csv, remove=0.75, bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores of scores; remove: fraction of the tokens that is removed."""
    scores = read_scores(attention)
    rows = position_bias(scores, [remove], bootstrap)
    along = rank_correlation(scores, bootstrap).assign(measure="rank_correlation", chance=0.0)
    parts = [
        rows[rows["measure"] == "bottom_quarter"],
        map_bias(scores, [remove], bootstrap),
        along.assign(remove=remove),
    ]
    table = pd.concat(parts, ignore_index=True)
    tables.write(table, csv)
    theme.save(draw(table), png, svg, pdf)


def draw(table):
    """table: columns measure, layer, variant, value, low, high, chance."""
    figure, [axes] = theme.canvas(1, 2, (theme.PAGE, 2.2))
    for panel, (measure, (title, label)) in zip(axes, PANELS.items(), strict=True):
        rows = table[table["measure"] == measure]
        drawing.curves(panel, rows, "layer", "variant", theme.VARIANTS)
        theme.reference(panel, rows["chance"].iloc[0], "chance")
        panel.set(title=title, xlabel="Layer K before which tokens are removed", ylabel=label)
        drawing.layer_ticks(panel, rows["layer"])
    axes[1].set_ylim(bottom=0)
    drawing.label_variants(axes[1], table[table["measure"] == "total_variation"])
    return figure


run(make, globals())
