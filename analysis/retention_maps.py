"""How often each visual token is kept, by layer K and with and without RoPE in the score.

Figure 3b of FEATHER. Each small map is the image's grid of visual tokens; its colour is the share
of questions for which the token is among the kept. White is what an unbiased choice would give
every token, red is kept more often, blue less. Red at the bottom edge is the positional bias. All
maps come from the scores of one unpruned pass, as a single-stage attention method would select from
them at that K.
"""

import numpy as np

from prunescope import plotting
from prunescope.scripting import run
from prunescope.statistics.inputs import read_scores
from prunescope.statistics.position import kept_count, retention


def make(attention, png, svg, csv, remove=0.75):
    """attention: Zarr stores of scores; remove: fraction of the tokens that is removed."""
    maps = retention(read_scores(attention), remove)
    plotting.write_table(maps.to_dataframe().reset_index(), csv)
    plotting.save(draw(maps, remove), png, svg)


def draw(maps, remove):
    """maps: P(kept) with the dimensions layer, variant, row, col."""
    layers, (rows, cols) = maps["layer"].values, maps.shape[-2:]
    unbiased = kept_count(rows * cols, remove) / (rows * cols)
    size = 2.2 + 0.95 * len(layers), 0.4 + 1.95 * rows / cols
    figure, axes = plotting.canvas(2, len(layers), size)
    span = 0.0, max(float(maps.max()), np.nextafter(unbiased, 1))
    for row, (variant, look) in zip(axes, plotting.VARIANTS.items(), strict=True):
        row[0].set_ylabel(look.label.replace("Score ", "Score\n"))
        for panel, layer in zip(row, layers, strict=True):
            values = maps.sel(layer=layer, variant=variant).values
            image = plotting.heat(panel, values, unbiased, span)
            panel.set(xticks=[], yticks=[], aspect=1)
            if variant == "rope":
                panel.set_title(f"K = {layer}")
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01, ticks=[0, unbiased, span[1]])
    bar.ax.set_yticklabels(["0", f"{unbiased:.2f} unbiased", f"{span[1]:.2f}"])
    bar.set_label("Share of questions\nthat keep the token")
    return figure


run(make, globals())
