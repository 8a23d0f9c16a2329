"""Answer a task's questions with every method."""

from prunescope.jobs import run

from pyarrow import parquet

from prunescope.evaluation.evaluate import evaluate
from prunescope.evaluation.setup import checkpoint
from prunescope.methods import read_methods
from prunescope.records.store import RecordStore
from prunescope.tasks.card import task_of
from prunescope.tasks.shards import Shard


def make(card, records, name, model, execution, methods, store, batch_size, limit, shard):
    task, model = task_of(card, model, execution), checkpoint(name, model, execution)
    methods, store, shard = read_methods(methods), RecordStore(store), Shard(*shard)
    parquet.write_table(evaluate(model, task, methods, store, batch_size, limit, shard), records)


run(make, globals())
