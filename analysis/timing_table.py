"""Measured time and memory of every method on every model, on the device that is named.

Milliseconds of a batch: the vision tower; the language model's prefill, scoring included; one
decoded token; and an answer of a few tokens, from the pixels on. They are medians of repeated runs,
with the minimum and the quartiles. peak_mib is the most memory in use during an answer, weights
included. unsteady names times whose quartiles differ by more than a factor of 2: the machine was
busy.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables
from prunescope.statistics.timing import unsteady

TIMES = ("vision_ms", "prefill_ms", "decode_ms", "answer_ms")
ENDS = ("", "_min", "_q25", "_q75")
SETTING = ["batch_size", "device", "dtype", "attn"]


def make(every_timing, csv):
    """every_timing: Parquet files with a row for each method, one file for each model."""
    table = pd.concat([pd.read_parquet(path) for path in every_timing], ignore_index=True)
    table["peak_mib"] = table["peak_bytes"] / 2**20
    times = [time + end for time in TIMES for end in ENDS]
    table["unsteady"] = unsteady_times(table)
    tables.write(table[["model", "method", "peak_mib", *times, "unsteady", *SETTING]], csv)


def unsteady_times(table):
    """Names of the times that are not steady, separated by commas, for each row."""
    by_time = pd.DataFrame({time: unsteady(table, time) for time in TIMES})
    return by_time.apply(lambda row: ", ".join(by_time.columns[row]), axis=1)


run(make, globals())
