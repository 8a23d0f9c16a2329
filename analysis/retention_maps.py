"""How often each visual token is kept, by layer K, with and without RoPE in the score.

Each map is the image's grid of visual tokens. Colour is the share of questions that keep the token,
over that of a random choice: white is as often, red more often, blue less, on one scale for all.
The curve beside a map is the same ratio by row. The maps follow from the scores of one unpruned
pass; the table has further fractions R.
"""

from prunescope.jobs import run

import numpy as np

from prunescope.figures import drawing, tables, theme
from prunescope.statistics import position
from prunescope.statistics.reading import read_scores
from prunescope.top_k import kept_count

PROFILE_SPAN = (-1.5, 1.5)  # log2 of the ratio to chance
WIDTHS = (4, 1.8)  # of a map and of its profile
MOST_LAYERS = 6


def make(
    attention, png, svg, pdf, csv, removes=(0.5, 0.75, 0.9), shown=0.75, layers=()
):  # fmt: skip
    """attention: Zarr stores of scores; removes: fractions of the tokens that are removed, in the
    table; shown: the one that is drawn; layers: drawn ones, `MOST_LAYERS` spread evenly by
    default."""
    maps = position.retention_maps(read_scores(attention), removes)
    tables.write(maps.to_dataframe().reset_index(), csv)
    maps = maps.sel(remove=shown, method="nearest")
    theme.save(draw(maps.sel(layer=layers_shown(maps["layer"].values, layers))), png, svg, pdf)


def layers_shown(present, wanted):
    """The wanted layers that are present; without a wish, some from the first to the last."""
    if wanted:
        return [layer for layer in present if layer in wanted]
    places = np.linspace(0, len(present) - 1, min(MOST_LAYERS, len(present)))
    return present[places.round().astype(int)].tolist()


def draw(maps):
    """maps: share of questions that keep each token, dimensions layer, variant, row, col."""
    tokens, remove = maps.sizes["row"] * maps.sizes["col"], float(maps["remove"])
    chance = kept_count(tokens, remove) / tokens
    layers, aspect = maps["layer"].values, maps.sizes["row"] / maps.sizes["col"]
    size = theme.PAGE, 0.5 + 2 * (0.12 + 4.1 / len(layers) * aspect)
    figure, axes = theme.canvas(2, 2 * len(layers), size, width_ratios=WIDTHS * len(layers))
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.02, wspace=0.02, hspace=0.02)
    for line, (variant, label) in zip(axes, theme.VARIANT_LABELS.items(), strict=True):
        for column, layer in enumerate(layers):
            values = maps.sel(layer=layer, variant=variant).values / chance
            drawing.ratio_map(line[2 * column], values)
            profile = line[2 * column + 1]
            _profile(profile, values.mean(1), theme.VARIANTS[variant].color)
            profile.set_box_aspect(aspect * WIDTHS[0] / WIDTHS[1])  # as high as its map
        line[0].set_ylabel(label)
    for column, layer in zip(axes[0, ::2], layers, strict=True):
        column.set_title(f"K = {layer}")
    drawing.ratio_bar(figure, axes)
    theme.headline(figure, message(maps.mean("col") / chance, layers[0]))
    return figure


def _profile(panel, by_row, color):
    """Ratio to chance by row of the grid, as high as the map beside it."""
    rows = np.arange(len(by_row)) + 0.5
    levels = np.log2(np.maximum(by_row, 2.0 ** PROFILE_SPAN[0]))
    panel.axvline(0, color=theme.GREY, lw=0.6, ls=theme.DASHES)
    panel.plot(levels, rows, color=color, lw=1)
    panel.set(xlim=PROFILE_SPAN, ylim=(len(rows), 0), xticks=[], yticks=[])
    panel.spines[:].set_visible(False)


def message(by_row, layer):
    """How uneven the rows of the first layer are."""
    most = by_row.sel(layer=layer).max("row")
    with_rope, without = (float(most.sel(variant=variant)) for variant in theme.VARIANTS)
    return (
        f"At K = {layer}, the fullest row keeps {with_rope:.1f} times as many tokens as chance "
        f"with RoPE, {without:.1f} times without"
    )


run(make, globals())
