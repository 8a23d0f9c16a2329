"""Accuracy against the measured time of an answer.

The axis is the time of one question, from pixels to a few answer tokens, on the named device: a
batch's time over its size. Vision tower, text and overheads are in it. Marks are methods at several
fractions removed; methods of several stages, or before the LLM, stand in both rows. Vertical bars:
95 % intervals, by image; horizontal bars: quartiles of repeated runs. Compare figure A1 of FEATHER.
"""

from prunescope.jobs import run

from prunescope.errors import InputError
from prunescope.figures import charts, tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group
from prunescope.statistics.reading import read_records
from prunescope.statistics.timing import read_timing

FAMILIES = ("fastv", "fastv-norope", "feather", "pyramiddrop", "uniform", "fastervlm", "visionzip")
TIMES = {"answer_ms": "ms", "answer_ms_q25": "ms_q25", "answer_ms_q75": "ms_q75"}


def make(
    records, timing, png, svg, pdf, csv, families=FAMILIES, bootstrap: Bootstrap = Bootstrap()
):  # fmt: skip
    """timing: Parquet files of the model, a row for each method; families: methods whose variations
    are drawn, by the layers where they prune."""
    records = read_records(records, COLUMNS)
    measured = read_timing(timing, "answer_ms")
    methods = [m for m in dict.fromkeys(records["method"]) if m in set(measured["method"])]
    if BASELINE not in methods:
        raise InputError(f"timing and records: expected {BASELINE!r} in both")
    table = by_group(records, methods, bootstrap).join(times(measured), on="method")
    tables.write(table, csv)
    device, batch = measured.loc[0, ["device", "batch_size"]]
    label = f"Time of a question, ms ({device}, batch of {batch})"
    theme.save(charts.tradeoff(table, families, "ms", label), png, svg, pdf)


def times(measured):
    """Milliseconds of one question by method (the index): columns ms, ms_q25, ms_q75."""
    spent = measured.set_index("method")
    return spent[list(TIMES)].div(spent["batch_size"], axis=0).rename(columns=TIMES)


run(make, globals())
