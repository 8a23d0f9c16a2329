"""Stage 2: train the decoder on symbols."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.language import train_symbols
from prunescope.training.optimisation import Recipe


def make(positions, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    train_symbols(Recipe(**recipe), Path(unfinished), positions)
    shutil.copy(unfinished, checkpoint)


run(make, globals())
