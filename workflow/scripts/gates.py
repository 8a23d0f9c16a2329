"""Judge whether a model is fit for studies of pruning."""

from prunescope.jobs import run

import shutil

import torch

from prunescope.evaluation.setup import checkpoint
from prunescope.training.fitness import Extent, read_cards, usual_layer
from prunescope.training.gates import report, summary, write_json


def make(cards, gates, name, model, execution, numbers, store, place, threads):
    torch.set_num_threads(threads)
    opened = checkpoint(name, model, execution)
    extent = Extent(usual_layer(opened), **numbers)
    content = report(opened, read_cards(cards, model["protocol"]), store, extent)
    write_json(gates, content)
    print(summary(content))
    if place:
        shutil.copy(gates, place)


run(make, globals())
