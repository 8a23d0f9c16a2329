"""Store the attention scores of the examples that budgets are matched on."""

from prunescope.scripting import run as run_script
from prunescope.config import checkpoint, task_of
from prunescope.extraction import extract


def make(card, scores, name, model, run, batch_size, split, examples):
    task = task_of(card, model, run).of_split(split)
    extract(checkpoint(name, model, run), task, scores, batch_size, examples)


run_script(make, globals())
