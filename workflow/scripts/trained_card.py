"""Write the card of what was trained on a pretrained decoder."""

from prunescope.jobs import run

import math
import shutil
from pathlib import Path

from prunescope.training.optimisation import training_minutes
from prunescope.training.smol_card import write_card


def make(gates, leaks, card, place, grids, recipes, unfinished, rank):
    folder = Path(place)
    for file in (gates, leaks):
        shutil.copy(file, folder)
    [grid] = [grid for grid, trained in grids.items() if Path(trained) == folder]
    write_card(folder, recipes, minutes(unfinished, grid), rank)
    shutil.copy(folder / "README.md", card)


def minutes(unfinished, grid):
    """Minutes of each stage, NaN where its checkpoint is gone."""
    files = {stage: Path(path.format(grid=grid)) for stage, path in unfinished.items()}
    return {
        stage: training_minutes(file) if file.is_file() else math.nan
        for stage, file in files.items()
    }


run(make, globals())
