"""Store the attention scores of a task's examples."""

from prunescope.config import checkpoint
from prunescope.extraction import extract
from prunescope.scripting import run as run_script
from prunescope.tasks import read_task


def make(card, scores, name, model, run, batch_size, limit):
    extract(checkpoint(name, model, run), read_task(card), scores, batch_size, limit)


run_script(make, globals())
