"""Time every method on one batch of prompts."""

from prunescope.scripting import run as run_script
from prunescope.config import checkpoint, task_of
from prunescope.cost import measure
from prunescope.methods import read_methods


def make(card, cost, name, model, run, methods, timing):
    task, model = task_of(card, model, run), checkpoint(name, model, run)
    measure(model, task, read_methods(methods), **timing).to_parquet(cost, index=False)


run_script(make, globals())
