"""What every method costs on every model, as it follows from the tokens that it keeps.

visual_tokens is N; mean_tokens is T, how many of them a decoder layer sees on average; kept_share
is T/N. prefill_gflop counts the language model's operations for one prompt in 10^9, text and
scoring included. counted_gap is the relative difference to what torch counts; beyond 0.01 the log
of the rule `operations` warns. kv_mib is the size of the KV cache when decoding starts.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables

UNITS = {"prefill_flops": ("prefill_gflop", 1e9), "kv_bytes": ("kv_mib", 2**20)}
COLUMNS = ["visual_tokens", "mean_tokens", "kept_share", "prefill_gflop", "counted_gap", "kv_mib"]


def make(every_operations, csv):
    """every_operations: Parquet files with a row for each method, one file for each model."""
    table = pd.concat([pd.read_parquet(path) for path in every_operations], ignore_index=True)
    for column, (name, unit) in UNITS.items():
        table[name] = table[column] / unit
    tables.write(table[["model", "method", *COLUMNS]], csv)


run(make, globals())
