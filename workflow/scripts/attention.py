"""Store the attention scores of a task's examples."""

from prunescope.config import checkpoint
from prunescope.extraction import extract
from prunescope.scripting import run as run_script
from prunescope.shards import Shard
from prunescope.tasks import read_task


def make(card, scores, name, model, run, batch_size, limit, shard):
    model, task = checkpoint(name, model, run), read_task(card)
    extract(model, task, scores, batch_size, limit, Shard(*shard))


run_script(make, globals())
