"""Assemble the trained parts, measure the model and write its card."""

import shutil
from pathlib import Path

import torch

from prunescope.scripting import run as run_script
from prunescope.testbed.assembly import assemble, save
from prunescope.testbed.card import accuracies, write_card
from prunescope.testbed.language import Projector, Reader
from prunescope.testbed.training import minutes_of, trained
from prunescope.testbed.vision import Pretraining


def make(vision, images, cards, model, recipes, place, unfinished, threads):
    torch.set_num_threads(threads)
    tower, reader = trained(Pretraining(), vision).tower, trained(Reader(Projector()), images)
    save(assemble(tower, reader.eye, reader.decoder), Path(model))
    minutes = {stage: minutes_of(Path(unfinished) / f"{stage}.pt") for stage in recipes}
    write_card(Path(model), accuracies(Path(model), cards, "results/store"), recipes, minutes)
    shutil.copytree(model, place, dirs_exist_ok=True)


run_script(make, globals())
