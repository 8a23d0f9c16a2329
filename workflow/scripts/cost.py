"""Time every method on one batch of prompts."""

from prunescope.config import checkpoint
from prunescope.cost import measure
from prunescope.methods import read_methods
from prunescope.scripting import run as run_script
from prunescope.tasks import read_task


def make(card, cost, name, model, run, methods, timing):
    model, methods = checkpoint(name, model, run), read_methods(methods)
    measure(model, read_task(card), methods, **timing).to_parquet(cost, index=False)


run_script(make, globals())
