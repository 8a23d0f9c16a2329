"""Probe what a model's single visual tokens tell."""

from prunescope.jobs import run

import shutil

import torch

from prunescope.evaluation.setup import checkpoint
from prunescope.training.gates import write_json
from prunescope.training.leak_probes import report, summary


def make(leaks, name, model, execution, images, per_image, place, threads):
    torch.set_num_threads(threads)
    content = report(checkpoint(name, model, execution), images, per_image)
    write_json(leaks, content)
    print(summary(content))
    if place:
        shutil.copy(leaks, place)


run(make, globals())
