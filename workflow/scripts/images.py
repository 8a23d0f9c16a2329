"""Stage 4: train projector and decoder on images."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.language import Projector, Reader, Symbols, train_images
from prunescope.training.training import Recipe, trained
from prunescope.training.vision import Pretraining


def make(tower, positions, vision, symbols, align, recipe, unfinished, checkpoint, threads):
    torch.set_num_threads(threads)
    reader = Reader(trained(Projector(), align), positions)
    reader.decoder = trained(Reader(Symbols(), positions), symbols).decoder
    seen_by = trained(Pretraining(tower), vision).tower
    train_images(seen_by, reader, Recipe(**recipe), Path(unfinished))
    shutil.copy(unfinished, checkpoint)


run(make, globals())
