"""Stage 3 of `smol`: fit the projector to the ideal visual tokens."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.optimisation import Recipe, load_stage
from prunescope.training.patch_tower import PatchTower
from prunescope.training.reading import Reader, ideal_stage, train_projector


def make(decoder, tower, ideal, grid, rank, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    tokens = load_stage(ideal_stage(Reader.of(decoder, rank)), ideal)["tokens"].refined(grid)
    frozen = load_stage(PatchTower(grid), tower).tower
    train_projector(frozen, tokens, Recipe(**recipe), Path(unfinished))
    shutil.copy(unfinished, checkpoint)


run(make, globals())
