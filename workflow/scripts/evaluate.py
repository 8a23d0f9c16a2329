"""Answer a task's questions with every method."""

from pyarrow import parquet

from prunescope.config import checkpoint
from prunescope.evaluation import evaluate
from prunescope.methods import read_methods
from prunescope.scripting import run as run_script
from prunescope.shards import Shard
from prunescope.store import RecordStore
from prunescope.tasks import read_task


def make(card, records, name, model, run, methods, store, batch_size, limit, shard):
    model, methods = checkpoint(name, model, run), read_methods(methods)
    task, store, shard = read_task(card), RecordStore(store), Shard(*shard)
    parquet.write_table(evaluate(model, task, methods, store, batch_size, limit, shard), records)


run_script(make, globals())
