"""Answer a task's questions with every method."""

from pyarrow import parquet

from prunescope.scripting import run as run_script
from prunescope.config import checkpoint, task_of
from prunescope.evaluation import evaluate
from prunescope.methods import read_methods
from prunescope.shards import Shard
from prunescope.store import RecordStore


def make(card, records, name, model, run, methods, store, batch_size, limit, shard):
    task, model = task_of(card, model, run), checkpoint(name, model, run)
    methods, store, shard = read_methods(methods), RecordStore(store), Shard(*shard)
    parquet.write_table(evaluate(model, task, methods, store, batch_size, limit, shard), records)


run_script(make, globals())
