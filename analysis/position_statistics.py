"""Four measures of positional bias by layer K, with and without RoPE in the score.

Share of the kept tokens in the bottom quarter of the image; total variation and Kullback-Leibler
divergence of the map of kept tokens from uniform, over all cells; Spearman's correlation of a
token's score and its index in raster order, averaged over questions (1: the later in the sequence
the higher). Dashed is what a choice at random would give. Bands are 95 % intervals by image; of
the two distances what noise adds is taken off, and bands start at 0 where noise may be all.
The first and the last say which way the bias goes, the two others how large it is, in any
direction.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.decay import rank_correlation
from prunescope.statistics.position import map_bias, position_bias
from prunescope.statistics.reading import read_scores

PANELS = {
    "bottom_quarter": "Share of kept tokens\nin the bottom quarter",
    "total_variation": "Total variation\nfrom uniform",
    "kl": "KL divergence\nfrom uniform, nats",
    "rank_correlation": "Rank correlation of score\nand raster index",
}


def make(attention, png, svg, csv, remove=0.75, bootstrap: Bootstrap = Bootstrap()):
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
    theme.save(draw(table), png, svg)


def draw(table):
    figure, axes = theme.canvas(2, 2, (8, 5), sharex=True)
    for panel, (measure, title) in zip(axes.flat, PANELS.items(), strict=True):
        rows = table[table["measure"] == measure]
        for variant, look in theme.VARIANTS.items():
            theme.curve(panel, rows[rows["variant"] == variant], "layer", look)
        chance = rows[rows["variant"] == "rope"]["chance"].iloc[0]
        theme.reference(panel, chance, "chance")
        panel.set_ylabel(title)
        panel.set_xticks(sorted(rows["layer"].unique()))
    for panel in axes[-1]:
        panel.set_xlabel("Layer K before which tokens are removed")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


run(make, globals())
