"""Answer a task's questions with every method."""

from pyarrow import parquet

from prunescope.config import checkpoint
from prunescope.evaluation import evaluate
from prunescope.methods import parse_methods
from prunescope.scripting import run as run_script
from prunescope.store import RecordStore
from prunescope.tasks import read_task


def make(card, records, name, model, run, methods, store, batch_size, limit):
    model, methods = checkpoint(name, model, run), parse_methods(methods, "methods")
    table = evaluate(model, read_task(card), methods, RecordStore(store), batch_size, limit)
    parquet.write_table(table, records)


run_script(make, globals())
