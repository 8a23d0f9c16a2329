"""Mean vertical position of the kept tokens, for every layer K and fraction R removed.

Colours run from the top of the image (blue) over its middle (white) to its bottom (red), on one
scale in every study. A number stands where the 95 % interval excludes the middle, 0.5. Left, the
score has rotary position embedding; right, it has not. The table has all values and intervals.
"""

from prunescope.jobs import run

from prunescope.figures import drawing, tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import position_bias
from prunescope.statistics.reading import read_scores

REMOVES = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9)
SPAN = (0.2, 0.8)
MOST_NUMBERS = 16  # columns that are wide enough for a number


def make(attention, png, svg, pdf, csv, removes=REMOVES, bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores of scores; removes: fractions R, the rows of the map."""
    table = position_bias(read_scores(attention), removes, bootstrap)
    tables.write(table, csv)
    theme.save(draw(table[table["measure"] == "mean_row"]), png, svg, pdf)


def draw(rows):
    """rows: the measure mean_row of `position_bias`."""
    height = 0.9 + 0.17 * rows["remove"].nunique()
    figure, [axes] = theme.canvas(1, 2, (theme.PAGE, height), sharey=True)
    for panel, variant in zip(axes, theme.VARIANTS, strict=True):
        part = rows[rows["variant"] == variant]
        values = part.pivot(index="remove", columns="layer", values="value")
        drawing.heatmap(panel, values, SPAN, annot=_numbers(part), fmt="")
        panel.set(xlabel="Layer K before which tokens are removed", ylabel="")
        panel.set_title(f"Score {theme.VARIANT_LABELS[variant]}")
    axes[0].set_ylabel("Fraction R removed")
    drawing.color_bar(figure, axes, SPAN, "Vertical position\n(0 top, 1 bottom)", [0.2, 0.5, 0.8])
    return figure


def _numbers(part):
    """Text of each cell: the value where its interval excludes 0.5."""
    clear = (part["low"] > 0.5) | (part["high"] < 0.5)
    if part["layer"].nunique() > MOST_NUMBERS:
        clear &= False
    text = part["value"].map("{:.2f}".format).str.lstrip("0").where(clear, "")
    return part.assign(text=text).pivot(index="remove", columns="layer", values="text")


run(make, globals())
