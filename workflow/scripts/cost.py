"""Time every method on one batch of prompts."""

from prunescope.jobs import run as run_script
from prunescope.cost.measure import measure
from prunescope.evaluation.setup import checkpoint
from prunescope.methods import read_methods
from prunescope.tasks.card import task_of


def make(card, cost, name, model, run, methods, timing):
    task, model = task_of(card, model, run), checkpoint(name, model, run)
    measure(model, task, read_methods(methods), **timing).to_parquet(cost, index=False)


run_script(make, globals())
