"""Mean height of the kept tokens for every layer K and every fraction R of tokens removed.

0.5 (white) is no vertical bias; red and larger is towards the bottom of the image, blue towards
the top. Left the score has rotary position embedding, right it has not. The table beside the
figure has the intervals by image and the share in the bottom quarter for each cell.
"""

from prunescope.jobs import run

from prunescope.figures import tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import position_bias
from prunescope.statistics.reading import read_scores

REMOVES = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9)


def make(attention, png, svg, csv, removes=REMOVES, bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores of scores; removes: fractions R, the rows of the map."""
    table = position_bias(read_scores(attention), removes, bootstrap)
    tables.write(table, csv)
    theme.save(draw(table[table["measure"] == "mean_row"]), png, svg)


def draw(rows):
    """rows: the measure mean_row of `position_bias`."""
    figure, axes = theme.canvas(1, 2, (10, 3.2), sharey=True)
    reach = max((rows[rows["variant"].isin(theme.VARIANTS)]["value"] - 0.5).abs().max(), 0.01)
    for panel, (variant, look) in zip(axes[0], theme.VARIANTS.items(), strict=True):
        part = rows[rows["variant"] == variant]
        grid = part.pivot(index="remove", columns="layer", values="value")
        image = theme.heat(panel, grid.values, 0.5, (0.5 - reach, 0.5 + reach))
        theme.write_cells(panel, grid.values)
        panel.set(title=look.label, xlabel="Layer K before which tokens are removed")
        panel.set_xticks(range(len(grid.columns)), grid.columns)
        panel.set_yticks(range(len(grid.index)), [f"{remove:g}" for remove in grid.index])
    axes[0, 0].set_ylabel("Fraction R of tokens removed")
    bar = figure.colorbar(image, ax=axes, pad=0.01)
    bar.set_label("Mean height of kept tokens\n(0 top, 1 bottom)")
    return figure


run(make, globals())
