"""Store the attention scores of the questions of a task."""

from prunescope.jobs import run

from prunescope.evaluation.score_extraction import extract
from prunescope.evaluation.setup import checkpoint
from prunescope.tasks.card import task_of
from prunescope.tasks.shards import Shard


def make(card, scores, name, model, execution, batch_size, split, limit, shard):
    task = task_of(card, model, execution)
    task = task.of_split(split or task.split)
    extract(checkpoint(name, model, execution), task, scores, batch_size, limit, Shard(*shard))


run(make, globals())
