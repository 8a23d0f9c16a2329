"""Assemble the trained parts, measure the model and write its card."""

from prunescope.jobs import run

import shutil
from pathlib import Path

import torch

from prunescope.training.assembly import assemble, save
from prunescope.training.card import write_card
from prunescope.training.optimisation import load_stage, training_minutes
from prunescope.training.reader import Projector, Reader
from prunescope.training.vision import Pretraining


def make(tower, positions, vision, images, cards, model, recipes, place, unfinished, threads):
    torch.set_num_threads(threads)
    reader = load_stage(Reader(Projector(), positions), images)
    parts = load_stage(Pretraining(tower), vision).tower, reader.visual, reader.decoder
    save(assemble(*parts), Path(model))
    write_card(Path(model), tower, positions, cards, recipes, [*map(training_minutes, unfinished)])
    shutil.copytree(model, place, dirs_exist_ok=True)


run(make, globals())
