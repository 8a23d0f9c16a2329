"""How often each visual token is kept, by K and R, with and without RoPE in the score.

Figure 3b of FEATHER. Each small map is the image's grid of visual tokens; its colour is the share
of questions for which the token is among the kept when the fraction R is removed. White is what an
unbiased choice would give every token, red is kept more often, blue less; colours are comparable
within one R. Red at the bottom edge is the positional bias. All maps come from the scores of one
unpruned pass, as a single-stage attention method would select from them at that K.
"""

from prunescope.jobs import run

import numpy as np

from prunescope.figures import tables, theme
from prunescope.statistics import position
from prunescope.statistics.reading import read_scores
from prunescope.top_k import kept_count


def make(attention, png, svg, csv, removes=(0.5, 0.75, 0.9), layers=()):
    """attention: Zarr stores of scores; removes: fractions of the tokens that are removed; layers:
    those that are drawn, all by default; the table has all of them."""
    maps = position.retention_maps(read_scores(attention), removes)
    tables.write(maps.to_dataframe().reset_index(), csv)
    drawn = [layer for layer in maps["layer"].values if not layers or layer in layers]
    theme.save(draw(maps.sel(layer=drawn)), png, svg)


def draw(maps):
    """maps: P(kept) with the dimensions remove, layer, variant, row, col."""
    removes, layers, _, rows, cols = maps.shape
    size = 2.2 + 0.95 * layers, (0.2 + 1.95 * rows / cols) * removes + 0.2
    figure, axes = theme.canvas(2 * removes, layers, size)
    for column, layer in zip(axes[0], maps["layer"].values, strict=True):
        column.set_title(f"K = {layer}")
    for index, remove in enumerate(maps["remove"].values):
        draw_block(figure, axes[2 * index : 2 * index + 2], maps.sel(remove=remove), float(remove))
    return figure


def draw_block(figure, axes, maps, remove):
    """The maps of one R, with and without RoPE, and what their colours mean."""
    tokens = maps.sizes["row"] * maps.sizes["col"]
    unbiased = kept_count(tokens, remove) / tokens
    span = 0.0, max(float(maps.max()), np.nextafter(unbiased, 1))
    for line, (variant, look) in zip(axes, theme.VARIANTS.items(), strict=True):
        line[0].set_ylabel(f"R = {remove:g}\n{look.label.replace('Score ', '')}")
        for panel, layer in zip(line, maps["layer"].values, strict=True):
            values = maps.sel(layer=layer, variant=variant).values
            image = theme.heat(panel, values, unbiased, span)
            panel.set(xticks=[], yticks=[], aspect=1)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01, ticks=[0, unbiased, span[1]])
    bar.ax.set_yticklabels(["0", f"{unbiased:.2f} unbiased", f"{span[1]:.2f}"])
    bar.set_label("Share of questions\nthat keep the token")


run(make, globals())
