"""Count tokens, memory and operations of every method."""

from prunescope.jobs import run

from prunescope.cost.operations import operations as count
from prunescope.evaluation.setup import checkpoint
from prunescope.methods import read_methods
from prunescope.tasks.card import task_of


def make(card, operations, name, model, execution, methods):
    task, model = task_of(card, model, execution), checkpoint(name, model, execution)
    count(model, task, read_methods(methods)).to_parquet(operations, index=False)


run(make, globals())
