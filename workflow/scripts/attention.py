"""Store the attention scores of the questions of some tasks."""

from prunescope.jobs import run

from prunescope.evaluation.score_extraction import extract
from prunescope.evaluation.setup import checkpoint
from prunescope.tasks.card import task_of
from prunescope.tasks.shards import Shard


def make(cards, scores, name, model, execution, batch_size, split, limit, shard):
    source = checkpoint(name, model, execution)
    loaded = source.load()
    for card, path in zip(_listed(cards), _listed(scores), strict=True):
        task = task_of(card, model, execution)
        task = task.of_split(split or task.split)
        extract(source, task, path, batch_size, limit, Shard(*shard), loaded)


def _listed(paths):
    """Several paths, or a single one, as a list."""
    return [paths] if isinstance(paths, str) else paths


run(make, globals())
