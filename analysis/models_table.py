"""What pruning costs each model: accuracy of the model as it is, and what a method changes of it.

The rows of one task stand together, a row for each model, so that models are compared down a
column; localization and other tasks are means over tasks, in which each counts the same (Table A1
of FEATHER has the other vision encoder in its place). The column Unpruned is an accuracy; those of
methods are differences from it on the same questions, so that -0.2 is a loss of 20 points. A cell
is empty where a model has no answers of the method. Intervals are 95 %, by image: a method harms
two models differently where their intervals lie apart.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables
from prunescope.method_names import BASELINE
from prunescope.statistics.accuracy import CONTRAST, by_method, estimates, task_groups
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import check_methods, present
from prunescope.statistics.reading import localization_tasks, read_records


def make(every_records, csv, methods, bootstrap: Bootstrap = Bootstrap()):
    """methods: whose change is shown, a column each."""
    records = read_records(every_records, ["score", "target_box"])
    check_methods(records, [BASELINE])
    methods = present(records, methods)
    tables.write(summary(records, methods, bootstrap), csv)


def summary(records, methods, bootstrap):
    """Columns task (or group of tasks), model, and for the unpruned model and each of `methods` its
    value, "<method> low" and "<method> high"; by task, then model."""
    tasks = list(dict.fromkeys(records["task"]))
    groups = task_groups(tasks, localization_tasks(records)) | {t: {t: 1.0} for t in tasks}
    groups.pop(CONTRAST, None)
    parts = {
        model: of_model(by_method(own), methods, groups, bootstrap)
        for model, own in records.groupby("model", sort=False)
    }
    table = pd.concat(parts, names=["model", "task"]).swaplevel()
    order = [(group, model) for group in groups for model in parts]
    return table.loc[order].reset_index()


def of_model(scores, methods, groups, bootstrap):
    """The same for one model, by group. scores: as from `by_method`."""
    present = [method for method in methods if method in scores]
    change = scores[present].sub(scores[BASELINE], axis=0)
    found = estimates(scores[[BASELINE]].join(change), groups, bootstrap)
    table = found.pivot(index="group", columns="method", values=["value", "low", "high"])
    table.columns = [f"{method} {end}".removesuffix(" value") for end, method in table.columns]
    ends = ("", " low", " high")
    return table.reindex(columns=[f"{m}{end}" for m in (BASELINE, *methods) for end in ends])


run(make, globals())
