"""Positional bias of `smol` at the milestones of its training."""

from prunescope.jobs import run

import shutil
from functools import partial
from pathlib import Path

import torch

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.training.bias_course import bias_course, write_course
from prunescope.training.optimisation import load_parameters, load_stage, load_trained, milestone
from prunescope.training.patch_tower import PatchTower
from prunescope.training.reading import Reader, Sight, ideal_stage, projector_of


def make(
    decoder, tower, projector, reading, grid, rank, recipes, milestones_of, scenes, table, place
):
    first, second = (recipes[stage] for stage in ("ideal", "reading"))
    ideal, unfinished = (
        Path(milestones_of[stage].format(grid=grid)) for stage in ("ideal", "reading")
    )
    seen = first["steps"] * first["batch"]
    on_ideal = {
        step * first["batch"]: partial(at_ideal, decoder, rank, milestone(ideal, step))
        for step in first["milestones"]
    }
    sight = Sight(
        load_stage(PatchTower(grid), tower).tower,
        load_stage(projector_of(Reader.of(decoder, rank)), projector),
    )
    on_images = {
        seen + step * second["batch"]: partial(
            at_reading, decoder, rank, sight, milestone(unfinished, step)
        )
        for step in second["milestones"]
    }
    end = seen + second["steps"] * second["batch"]
    on_images[end] = partial(at_reading, decoder, rank, sight, Path(reading))
    write_course(bias_course(on_ideal | on_images, scenes, Bootstrap()), table)
    shutil.copy(table, place)


def at_ideal(decoder, rank, weights):
    """The reader after a step of the first stage, and its ideal tokens."""
    stage = ideal_stage(Reader.of(decoder, rank))
    load_trained(stage, torch.load(weights, weights_only=True))
    return stage["reader"], stage["tokens"]


def at_reading(decoder, rank, sight, weights):
    """The reader after a step of the second stage, behind the frozen tower."""
    reader = Reader.of(decoder, rank)
    if "module" in torch.load(weights, weights_only=True):
        load_parameters(reader, weights)
    else:
        load_trained(reader, torch.load(weights, weights_only=True))
    return reader, sight


run(make, globals())
