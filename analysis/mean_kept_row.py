"""Mean vertical position of the kept tokens, by layer K, with and without RoPE in the score.

The axis runs like the image, from its top (0) to its bottom (1); a choice without vertical bias
lies at 0.5 (dashed). The cross is the value that FEATHER reports for FastV at K = 3 of 32 layers.
Bands: 95 % intervals, by image. The table also has the share of kept tokens in the bottom quarter.
"""

from prunescope.jobs import run

from prunescope.figures import drawing, tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import position_bias
from prunescope.statistics.reading import read_scores

PAPER_DEPTH, PAPER_POSITION = 3 / 32, 0.807  # arXiv 2412.13180, figure 3b
MIDDLE = 0.5


def make(attention, png, svg, pdf, csv, remove=0.75, bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores of scores; remove: fraction of the tokens that is removed."""
    table = position_bias(read_scores(attention), [remove], bootstrap)
    tables.write(table, csv)
    theme.save(draw(table[table["measure"] == "mean_row"]), png, svg, pdf)


def draw(rows):
    """rows: the measure mean_row of `position_bias`."""
    figure, [[panel]] = theme.canvas(1, 1, (theme.COLUMN, 2.6))
    drawing.curves(panel, rows, "layer", "variant", theme.VARIANTS)
    theme.reference(panel, MIDDLE)
    layer = PAPER_DEPTH * rows["layer"].max()  # at the same share of the model's depth
    panel.plot(layer, PAPER_POSITION, "x", color=theme.GREY, ms=5)
    panel.annotate(
        "FastV in the paper", (layer, PAPER_POSITION), xytext=(5, 0),
        textcoords="offset points", va="center", color=theme.GREY,
    )  # fmt: skip
    panel.set(xlabel="Layer K before which tokens are removed", ylim=(1, 0))
    panel.set(ylabel="Vertical position of kept tokens\n(0 top, 1 bottom)")
    drawing.layer_ticks(panel, rows["layer"])
    drawing.label_variants(panel, rows)
    theme.headline(figure, message(rows))
    return figure


def message(rows):
    """Where the tokens kept with RoPE at the first layer lie, as far as the interval allows."""
    first = rows[(rows["layer"] == rows["layer"].min()) & (rows["variant"] == "rope")].iloc[0]
    shift = f"{abs(first['value'] - MIDDLE):.2f}"
    place = "at no clear distance from"
    if first["high"] < MIDDLE:
        place = f"{shift} above"
    if first["low"] > MIDDLE:
        place = f"{shift} below"
    return f"At K = {first['layer']}, tokens kept with RoPE lie {place} the middle of the image"


run(make, globals())
