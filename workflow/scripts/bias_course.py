"""Positional bias of `smol` at the milestones of its training."""

from prunescope.jobs import run

import shutil
from functools import partial
from pathlib import Path

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.training.bias_course import (
    at_ideal,
    at_reading,
    bias_course,
    continued,
    images_seen,
    milestones,
    write_course,
)
from prunescope.training.optimisation import load_stage
from prunescope.training.patch_tower import PatchTower
from prunescope.training.reading import Reader, Sight, projector_of


def make(
    decoder,
    tower,
    ideal,
    projector,
    reading,
    grid,
    rank,
    recipes,
    milestones_of,
    scenes,
    table,
    place,
):
    first, second = (recipes[stage] for stage in ("ideal", "reading"))
    files = [Path(milestones_of[stage].format(grid=grid)) for stage in ("ideal", "reading")]
    loaders = {
        step * first["batch"]: partial(at_ideal, decoder, rank, file)
        for step, file in milestones(files[0], first)
    }
    sight = Sight(
        load_stage(PatchTower(grid), tower).tower,
        load_stage(projector_of(Reader.of(decoder, rank)), projector),
    )
    seen = images_seen(ideal, first["batch"])
    for step, file in [*milestones(files[1], second), (second["steps"], Path(reading))]:
        loaders[seen + step * second["batch"]] = partial(at_reading, decoder, rank, sight, file)
    shipped = Path(place) / Path(table).name
    write_course(continued(shipped, bias_course(loaders, scenes, Bootstrap())), table)
    shutil.copy(table, place)


run(make, globals())
