"""Answer a task's questions with every method."""

from pyarrow import parquet

from prunescope.jobs import run as run_script
from prunescope.evaluation.evaluate import evaluate
from prunescope.evaluation.setup import checkpoint
from prunescope.methods import read_methods
from prunescope.records.store import RecordStore
from prunescope.tasks.card import task_of
from prunescope.tasks.shards import Shard


def make(card, records, name, model, run, methods, store, batch_size, limit, shard):
    task, model = task_of(card, model, run), checkpoint(name, model, run)
    methods, store, shard = read_methods(methods), RecordStore(store), Shard(*shard)
    parquet.write_table(evaluate(model, task, methods, store, batch_size, limit, shard), records)


run_script(make, globals())
