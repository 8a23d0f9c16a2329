"""Stage 2 of `smol`: train the decoder on ideal visual tokens."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.optimisation import Recipe
from prunescope.training.reading import Reader, train_ideal


def make(decoder, rank, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    recipe = Recipe(**recipe)
    train_ideal(Reader.of(decoder, rank, recipe.seed), recipe, Path(unfinished))
    shutil.copy(unfinished, checkpoint)


run(make, globals())
