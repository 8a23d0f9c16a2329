"""Time every method on one batch of prompts."""

from prunescope.jobs import run

from prunescope.cost.measure import measure
from prunescope.evaluation.setup import checkpoint
from prunescope.methods import read_methods
from prunescope.tasks.card import task_of


def make(card, cost, name, model, execution, methods, timing):
    task, model = task_of(card, model, execution), checkpoint(name, model, execution)
    measure(model, task, read_methods(methods), **timing).to_parquet(cost, index=False)


run(make, globals())
