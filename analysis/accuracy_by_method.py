"""Change of accuracy by pruning, by task and method, in percentage points.

A mark left of zero is accuracy lost against the unpruned model on the same questions. Localization
comes first, on a scale of its own; other tasks follow by their loss, on one scale. Methods stand by
T/N, the mean share of visual tokens that a layer sees. Bars: 95 % intervals, by image. The table
has accuracy, invalid answers and IoU.
"""

from prunescope.jobs import run

import pandas as pd
from matplotlib.ticker import MaxNLocator

from prunescope.figures import charts, drawing, tables, theme
from prunescope.method_names import BASELINE, label
from prunescope.statistics.accuracy import (
    budgets,
    by_method,
    compare,
    estimates,
    single_tasks,
    task_groups,
)
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import present
from prunescope.statistics.reading import localization_tasks, read_records

COLUMNS = ["kind", "score", "invalid", "iou", "target_box", "mean_tokens"]


def make(records, png, svg, pdf, csv, methods=(), bootstrap: Bootstrap = Bootstrap()):
    """methods: those in the figure; all by default."""
    records = read_records(records, COLUMNS)
    boxed = localization_tasks(records)
    accuracy = summary(records, boxed, bootstrap)
    tables.write(accuracy, csv)
    shown = present(records, [m for m in methods or records["method"].unique() if m != BASELINE])
    changes = compare(records, [(method, BASELINE) for method in shown], boxed, bootstrap)
    shares = budgets(records)[shown].mean().sort_values(kind="stable")
    theme.save(draw(accuracy, changes, shares, boxed), png, svg, pdf)


def summary(records, boxed, bootstrap):
    """Estimates with the columns measure, task (or group of tasks), kind ("all": all of them),
    method, value, low, high, examples, units."""
    tasks = list(dict.fromkeys(records["task"]))
    groups = single_tasks(tasks) | task_groups(tasks, boxed)
    kinds = records.assign(stratum=records["task"] + "\n" + records["kind"].fillna(""))
    # an answer without a box overlaps nothing
    located = records[records["task"].isin(boxed)].fillna({"iou": 0.0})
    parts = {
        "accuracy": estimates(by_method(records), groups, bootstrap),
        "invalid": estimates(by_method(records, "invalid"), groups, bootstrap),
        "accuracy by kind": estimates(by_method(kinds, stratum="stratum"), None, bootstrap),
    }
    if boxed:
        parts["mean_iou"] = estimates(by_method(located, "iou"), None, bootstrap)
    table = pd.concat(parts, names=["measure", None]).reset_index("measure")
    names = table.pop("group").str.partition("\n")
    table.insert(1, "task", names[0])
    table.insert(2, "kind", names[2].where(names[1] != "", "all"))
    return table.replace({"measure": {"accuracy by kind": "accuracy"}}).reset_index(drop=True)


def draw(accuracy, changes, shares, boxed):
    """shares: T/N by method, from top to bottom; boxed: localization tasks."""
    whole = accuracy[(accuracy["measure"] == "accuracy") & (accuracy["kind"] == "all")]
    unpruned = whole[whole["method"] == BASELINE].set_index("task")["value"]
    methods = list(shares.index)
    changes = changes[changes["p"].notna()].copy()  # single tasks, no groups
    changes[["value", "low", "high"]] *= 100
    changes["row"] = changes["method"].map(methods.index)
    tasks = by_loss(changes, boxed)
    size = theme.PAGE, 0.9 + 0.17 * len(methods)
    figure, [axes] = theme.canvas(1, len(tasks), size, sharey=True)
    looks = theme.palette(methods)
    for panel, task in zip(axes, tasks, strict=True):
        panel.axvline(0, color=theme.GREY, lw=0.8, zorder=0)
        drawing.intervals(panel, changes[changes["group"] == task], "row", "method", looks)
        panel.set_title(task, weight="bold" if task in boxed else "normal")
        panel.set_xlabel(f"of {100 * unpruned[task]:.1f}")
        panel.set_xlim(*_limits(changes, [task] if task in boxed else set(tasks) - set(boxed)))
        panel.xaxis.set_major_locator(MaxNLocator(2))
    charts.rows_named(axes, methods)
    _budgets_beside(axes[0], shares)
    text = "Percentage points lost or gained, of the accuracy of the unpruned model"
    figure.supxlabel(text, fontsize=7.5)
    if message := headline(changes[changes["group"].isin(boxed)]):
        theme.headline(figure, message)
    return figure


def headline(localization):
    """The largest loss of localization and the smallest; localization: changes in points."""
    change = localization.groupby("method")["value"].mean()
    if len(change) < 2:
        return ""
    worst, best = change.idxmin(), change.idxmax()
    points = (change.round() + 0.0).map("{:+.0f}".format)  # + 0.0: no -0
    points = points.str.replace("-", "\N{MINUS SIGN}")
    return (
        f"Localization changes by {points[worst]} points with {label(worst)}, "
        f"by {points[best]} with {label(best)}"
    )


def by_loss(changes, boxed):
    """Localization tasks, then the others, each from the largest mean loss to the smallest."""
    loss = changes.groupby("group")["value"].mean().sort_values(kind="stable")
    return sorted(loss.index, key=lambda task: task not in boxed)


def _limits(changes, tasks):
    """Common limits of the panels of `tasks`, with zero among them."""
    ends = changes.loc[changes["group"].isin(tasks), ["value", "low", "high"]]
    low, high = min(ends.min(axis=None), 0), max(ends.max(axis=None), 0)
    spare = 0.06 * (high - low) or 1
    return low - spare, high + spare


def _budgets_beside(panel, shares):
    """T/N of each row, between its name and the panel."""
    panel.tick_params(axis="y", pad=20)
    beside = {"transform": panel.get_yaxis_transform(), "ha": "right", "color": theme.GREY}
    for row, share in enumerate(shares):
        panel.text(-0.05, row, f"{share:.2f}".lstrip("0"), va="center", **beside)
    panel.text(-0.05, -0.75, "T/N", va="bottom", **beside)


run(make, globals())
