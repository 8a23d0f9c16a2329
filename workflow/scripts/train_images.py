"""Stage 4: train projector and decoder on images."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.language import train_images
from prunescope.training.optimisation import Recipe, load_stage
from prunescope.training.reader import Projector, Reader, Symbols
from prunescope.training.vision import Pretraining


def make(tower, positions, vision, symbols, projector, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    reader = Reader(load_stage(Projector(), projector), positions)
    reader.decoder = load_stage(Reader(Symbols(), positions), symbols).decoder
    vision_tower = load_stage(Pretraining(tower), vision).tower
    train_images(vision_tower, reader, Recipe(**recipe), Path(unfinished))
    shutil.copy(unfinished, checkpoint)


run(make, globals())
