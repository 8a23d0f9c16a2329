"""Positional bias of `smol` at the milestones of its training."""

from prunescope.jobs import run

import shutil
from pathlib import Path

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.training.bias_course import bias_course, continued, loaders, write_course
from prunescope.training.optimisation import load_stage
from prunescope.training.patch_tower import PatchTower
from prunescope.training.reading import Reader, Sight, projector_of


def make(
    decoder, tower, ideal, projector, reading, grid, rank, recipes, milestones_of, scenes, table,
    place,
):  # fmt: skip
    sight = Sight(
        load_stage(PatchTower(grid), tower).tower,
        load_stage(projector_of(Reader.of(decoder, rank)), projector),
    )
    unfinished = {stage: Path(file.format(grid=grid)) for stage, file in milestones_of.items()}
    found = loaders(decoder, rank, sight, recipes, unfinished, ideal, reading)
    course, shipped = bias_course(found, scenes, Bootstrap()), Path(place) / Path(table).name
    write_course(continued(shipped, course), table)
    shutil.copy(table, place)


run(make, globals())
