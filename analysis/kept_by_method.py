"""Where on the image lies what each method leaves, in the records of all its answers.

Of the tokens that are left after a method's last stage: mean_row is their mean height (0 top, 1
bottom), bottom_quarter the share of them in the lowest quarter of the image, and total_variation
and kl (nats) tell how far their rows are from an even choice, in any direction. A choice at random
has 0.5, 0.25, 0 and 0. The figures by layer K choose anew from stored scores; this is what was
kept, by methods of several stages, grids and unions, too. A method without a row removes nothing,
or all. Intervals are 95 % by image. Of a distance what noise adds is taken off, and its interval
starts at 0 where noise may account for all.
"""

from prunescope.jobs import run

from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import CHANCE
from prunescope.statistics.reading import read_scores
from prunescope.statistics.tokens import kept_position


def make(records, attention, csv, bootstrap: Bootstrap = Bootstrap()):
    """attention: for the grid."""
    grid = read_scores(attention).shape[-2:]
    tables.write(wide(kept_position(records, grid, bootstrap)), csv)


def wide(positions):
    """A row for each method, of its last stage (counted from 1); positions: of `kept_position`."""
    parts = positions.set_index(["method", "stage", "measure"]).unstack("measure")
    table = parts.xs("mean_row", axis=1, level="measure")[["examples", "units"]]
    for measure in CHANCE:
        table[measure] = parts["value", measure]
        table[f"{measure} low"], table[f"{measure} high"] = (
            parts[end, measure] for end in ("low", "high")
        )
    table = table.reset_index().assign(stage=lambda rows: rows["stage"] + 1)
    return table.groupby("method", as_index=False).last()


run(make, globals())
