"""Stage 3: fit the projector to the symbols' embeddings."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.language import train_projector
from prunescope.training.optimisation import Recipe, load_stage
from prunescope.training.reader import Reader, Symbols
from prunescope.training.vision import Pretraining


def make(tower, positions, vision, symbols, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    vision_tower = load_stage(Pretraining(tower), vision).tower
    reader = load_stage(Reader(Symbols(), positions), symbols)
    train_projector(vision_tower, reader, Recipe(**recipe), Path(unfinished))
    shutil.copy(unfinished, checkpoint)


run(make, globals())
