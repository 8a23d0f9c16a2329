"""Accuracy against the measured time of an answer (figure A1 of FEATHER).

The horizontal axis is the time of one question from pixels to the last of a few answer tokens:
vision tower, prefill with the scoring, and decoding, on the device that is named, a batch's time
over its size. What pruning cannot save (tower, text, overheads) is in it, so that methods lie
closer together than they do by tokens. Left the localization tasks, right the mean of the others;
a line joins one method with different fractions removed; the dashed lines are the unpruned model.
Vertical bars are 95 % intervals that resample images, horizontal ones quartiles of repeated runs.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.errors import InputError
from prunescope.figures import charts, tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group
from prunescope.statistics.reading import read_records

FAMILIES = ("fastv", "fastv-norope", "feather", "pyramiddrop", "uniform", "fastervlm", "visionzip")
TIMES = {"answer_ms": "ms", "answer_ms_q25": "ms_q25", "answer_ms_q75": "ms_q75"}


def make(records, cost, png, svg, csv, families=FAMILIES, bootstrap: Bootstrap = Bootstrap()):
    """cost: Parquet files of the model, a row for each method; families: methods whose variations
    are drawn as lines, one for each set of layers."""
    records = read_records(records, COLUMNS)
    measured = pd.concat([pd.read_parquet(path) for path in cost], ignore_index=True)
    methods = [m for m in dict.fromkeys(records["method"]) if m in set(measured["method"])]
    if BASELINE not in methods:
        raise InputError(f"cost and records: expected {BASELINE!r} in both")
    table = by_group(records, methods, bootstrap)
    table = table.join(times(measured), on="method")
    tables.write(table, csv)
    device, batch = measured.loc[0, ["device", "batch_size"]]
    label = f"Time of a question, ms ({device}, batch of {batch})"
    theme.save(charts.tradeoff(table, families, BASELINE, "ms", label), png, svg)


def times(measured):
    """Milliseconds of one question by method (the index): columns ms, ms_q25, ms_q75."""
    spent = measured.set_index("method")
    return spent[list(TIMES)].div(spent["batch_size"], axis=0).rename(columns=TIMES)


run(make, globals())
