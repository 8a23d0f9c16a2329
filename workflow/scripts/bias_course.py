"""Positional bias of `smol` at the milestones of its training."""

from prunescope.jobs import run

import shutil
from functools import partial
from pathlib import Path

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.training.bias_course import at_ideal, at_reading, bias_course, write_course
from prunescope.training.optimisation import load_stage, milestone
from prunescope.training.patch_tower import PatchTower
from prunescope.training.reading import Reader, Sight, projector_of


def make(
    decoder, tower, projector, reading, grid, rank, recipes, milestones_of, scenes, table, place
):
    first, second = (recipes[stage] for stage in ("ideal", "reading"))
    ideal, unfinished = (
        Path(milestones_of[stage].format(grid=grid)) for stage in ("ideal", "reading")
    )
    seen = first["steps"] * first["batch"]
    loaders = {
        step * first["batch"]: partial(at_ideal, decoder, rank, milestone(ideal, step))
        for step in first["milestones"]
    }
    sight = Sight(
        load_stage(PatchTower(grid), tower).tower,
        load_stage(projector_of(Reader.of(decoder, rank)), projector),
    )
    files = {step: milestone(unfinished, step) for step in second["milestones"]}
    for step, file in (files | {second["steps"]: Path(reading)}).items():
        loaders[seen + step * second["batch"]] = partial(at_reading, decoder, rank, sight, file)
    write_course(bias_course(loaders, scenes, Bootstrap()), table)
    shutil.copy(table, place)


run(make, globals())
