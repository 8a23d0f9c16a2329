"""Stage 4 of `smol`: train the decoder on images."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.optimisation import Recipe, load_parameters, load_stage
from prunescope.training.patch_tower import PatchTower
from prunescope.training.reading import Reader, Sight, ideal_stage, projector_of, train_reading


def make(decoder, tower, ideal, projector, grid, rank, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    stage = ideal_stage(Reader.of(decoder, rank))
    load_parameters(stage, ideal)
    sight = Sight(
        load_stage(PatchTower(grid), tower).tower,
        load_stage(projector_of(stage["reader"]), projector),
    )
    train_reading(stage["reader"], sight, Recipe(**recipe), Path(unfinished))
    shutil.copy(unfinished, checkpoint)


run(make, globals())
