"""Store the attention scores of the examples that budgets are matched on."""

from prunescope.jobs import run

from prunescope.evaluation.score_extraction import extract
from prunescope.evaluation.setup import checkpoint
from prunescope.tasks.card import task_of


def make(card, scores, name, model, execution, batch_size, split, examples):
    task = task_of(card, model, execution).of_split(split)
    extract(checkpoint(name, model, execution), task, scores, batch_size, examples)


run(make, globals())
