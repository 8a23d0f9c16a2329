"""Change of accuracy by pruning, by task and method, in percentage points.

By task, as the radars of figures 2 and 5 of FEATHER, with intervals. A mark left of zero is
accuracy lost against the unpruned model on the same questions, whose own accuracy stands above each
panel. Bars are 95 % intervals that resample images; one that crosses the line is compatible with no
change. The methods differ in how many tokens they keep: see the table of methods for that. The
table beside the figure has accuracy, invalid answers and mean IoU for every method, task and kind
of question.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.accuracy import by_method, compare, estimates, task_groups
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import present
from prunescope.statistics.reading import localization_tasks, read_records

COLUMNS = ["kind", "score", "invalid", "iou", "target_box"]


def make(records, png, svg, csv, methods=(), bootstrap: Bootstrap = Bootstrap()):
    """methods: those in the figure, from top to bottom; all by default."""
    records = read_records(records, COLUMNS)
    boxed = localization_tasks(records)
    accuracy = summary(records, boxed, bootstrap)
    tables.write(accuracy, csv)
    shown = present(records, [m for m in methods or records["method"].unique() if m != BASELINE])
    changes = compare(records, [(m, BASELINE) for m in shown], boxed, bootstrap)
    theme.save(draw(accuracy, changes, shown), png, svg)


def summary(records, boxed, bootstrap):
    """Tidy estimates with the columns measure, task, kind, method, ...; kind "all" is all of them;
    task may be a group of tasks."""
    tasks = list(dict.fromkeys(records["task"]))
    groups = {t: {t: 1.0} for t in tasks} | task_groups(tasks, boxed)
    kinds = records.assign(stratum=records["task"] + "\n" + records["kind"].fillna(""))
    asked = records[records["task"].isin(boxed)].fillna({"iou": 0.0})  # no box at all: no overlap
    parts = {
        "accuracy": estimates(by_method(records), groups, bootstrap),
        "invalid": estimates(by_method(records, "invalid"), groups, bootstrap),
        "accuracy by kind": estimates(by_method(kinds, stratum="stratum"), None, bootstrap),
    }
    if boxed:
        parts["mean_iou"] = estimates(by_method(asked, "iou"), None, bootstrap)
    table = pd.concat(parts, names=["measure", None]).reset_index("measure")
    names = table.pop("group").str.partition("\n")
    table.insert(1, "task", names[0])
    table.insert(2, "kind", names[2].where(names[1] != "", "all"))
    return table.replace({"measure": {"accuracy by kind": "accuracy"}}).reset_index(drop=True)


def draw(accuracy, changes, methods):
    """methods: names, drawn from top to bottom."""
    whole = accuracy[(accuracy["measure"] == "accuracy") & (accuracy["kind"] == "all")]
    unpruned = whole[whole["method"] == BASELINE].set_index("task")["value"]
    tasks = [t for t in unpruned.index if t in set(changes.loc[changes["p"].notna(), "group"])]
    size = 1.8 + 1.45 * len(tasks), 0.9 + 0.27 * len(methods)
    figure, axes = theme.canvas(1, len(tasks), size, sharey=True, sharex=True)
    against = changes[(changes["reference"] == BASELINE)].set_index(["group", "method"])
    for panel, task in zip(axes[0], tasks, strict=True):
        panel.axvline(0, color="0.45", lw=0.9, zorder=0)
        for height, method in enumerate(methods):
            row = 100 * against.loc[[(task, method)], ["value", "low", "high"]]
            theme.whiskers(panel, row, [height], theme.style(method))
        panel.set_title(f"{task}\nunpruned {unpruned[task]:.3f}")
    axes[0, 0].set_yticks(range(len(methods)), [theme.style(m).label for m in methods])
    axes[0, 0].invert_yaxis()
    figure.supxlabel("Accuracy minus that of the unpruned model, percentage points", fontsize=9)
    return figure


run(make, globals())
