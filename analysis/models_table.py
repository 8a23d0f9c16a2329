"""What pruning costs each model: its accuracy, and what each method changes of it.

Rows are grouped by task, with a row for each model; localization and other tasks are means over
tasks. Unpruned is an accuracy; columns of methods are differences from it on the same questions, so
-0.2 is a loss of 20 points. An empty cell has no answers. Intervals are 95 %, by image, exact where
events are rare. Table A1 of FEATHER compares two vision encoders so.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables
from prunescope.method_names import BASELINE
from prunescope.statistics.accuracy import by_method, estimates, single_tasks
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import check_methods, group_weights, present
from prunescope.statistics.reading import read_records


def make(every_records, csv, methods, bootstrap: Bootstrap = Bootstrap()):
    """methods: columns of changes."""
    records = read_records(every_records, ["score", "target_box"])
    check_methods(records, [BASELINE])
    methods = present(records, methods)
    tables.write(summary(records, methods, bootstrap), csv)


def summary(records, methods, bootstrap):
    """One row for each task (or group of tasks) and model.

    Columns task, model, and for the unpruned model and each of `methods` its value, "<method> low"
    and "<method> high".
    """
    groups = group_weights(records) | single_tasks(list(dict.fromkeys(records["task"])))
    parts = {
        model: of_model(by_method(rows), methods, groups, bootstrap)
        for model, rows in records.groupby("model", sort=False)
    }
    table = pd.concat(parts, names=["model", "task"]).swaplevel()
    order = [(group, model) for group in groups for model in parts]
    return table.loc[order].reset_index()


def of_model(scores, methods, groups, bootstrap):
    """Rows of one model by group, with the columns of `summary`. scores: as from `by_method`."""
    answered = [method for method in methods if method in scores]
    change = scores[answered].sub(scores[BASELINE], axis=0)
    values = estimates(scores[[BASELINE]].join(change), groups, bootstrap, paired=answered)
    table = values.pivot(index="group", columns="method", values=["value", "low", "high"])
    table.columns = [f"{method} {end}".removesuffix(" value") for end, method in table.columns]
    ends = ("", " low", " high")
    columns = [f"{method}{end}" for method in (BASELINE, *methods) for end in ends]
    return table.reindex(columns=columns)


run(make, globals())
