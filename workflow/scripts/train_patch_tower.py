"""Stage 1 of `smol`: train the vision tower."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.optimisation import Recipe
from prunescope.training.patch_tower import train_patch_tower


def make(grid, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    train_patch_tower(grid, Recipe(**recipe), Path(unfinished))
    shutil.copy(unfinished, checkpoint)


run(make, globals())
