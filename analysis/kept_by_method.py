"""Where on the image the tokens lie that each method leaves.

Of the tokens left after the last stage: mean_row is their mean vertical position (0 top, 1 bottom),
bottom_quarter the share in the lowest quarter (whole rows of a grid). total_variation and kl (nats)
are distances of the four quarters of the height from an even choice, less what noise adds; a
regular grid is even. A random choice has 0.5, 0.25, 0 and 0. Intervals are 95 %, by image.
"""

from prunescope.jobs import run

from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.kept_tokens import kept_position
from prunescope.statistics.position import CHANCE
from prunescope.statistics.reading import read_scores


def make(records, attention, csv, bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores of scores, for the grid of visual tokens."""
    grid = read_scores(attention).shape[-2:]
    tables.write(wide(kept_position(records, grid, bootstrap)), csv)


def wide(positions):
    """A row for the last stage of each method; positions: as from `kept_position`.

    Stages count from 1.
    """
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
