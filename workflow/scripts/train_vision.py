"""Stage 1: pre-train the vision tower."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.optimisation import Recipe
from prunescope.training.vision import train_tower


def make(tower, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    train_tower(Recipe(**recipe), Path(unfinished), tower)
    shutil.copy(unfinished, checkpoint)


run(make, globals())
