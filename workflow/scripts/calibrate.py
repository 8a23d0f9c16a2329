"""Store the attention scores of the examples that budgets are matched on."""

from prunescope.jobs import run as run_script
from prunescope.evaluation.score_extraction import extract
from prunescope.evaluation.setup import checkpoint
from prunescope.tasks.card import task_of


def make(card, scores, name, model, run, batch_size, split, examples):
    task = task_of(card, model, run).of_split(split)
    extract(checkpoint(name, model, run), task, scores, batch_size, examples)


run_script(make, globals())
