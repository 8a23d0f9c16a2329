"""Time every method on one batch of prompts."""

from prunescope.jobs import run

from prunescope.cost.timing import measure_times
from prunescope.evaluation.setup import checkpoint
from prunescope.methods import read_methods
from prunescope.tasks.card import task_of


def make(card, timing, name, model, execution, methods, settings):
    task, model = task_of(card, model, execution), checkpoint(name, model, execution)
    table = measure_times(model, task, read_methods(methods), **settings)
    table.to_parquet(timing, index=False)


run(make, globals())
