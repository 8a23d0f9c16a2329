"""Store the attention scores of a task's examples."""

from prunescope.scripting import run as run_script
from prunescope.config import checkpoint, task_of
from prunescope.extraction import extract
from prunescope.shards import Shard


def make(card, scores, name, model, run, batch_size, limit, shard):
    task, model = task_of(card, model, run), checkpoint(name, model, run)
    extract(model, task, scores, batch_size, limit, Shard(*shard))


run_script(make, globals())
