"""Accuracy against the mean number of visual tokens per decoder layer.

The horizontal axis is T/N, the visual tokens that a layer sees on average over those of the
unpruned model: further left is cheaper. Left the localization tasks, right the mean of the others,
each task counting the same. A line joins one method with different fractions removed; layers
before which it prunes are in the legend. Bars are 95 % intervals that resample images.
"""

from prunescope import plotting
from prunescope.scripting import run
from prunescope.statistics.accuracy import (
    BASELINE,
    budgets,
    by_method,
    estimates,
    task_groups,
)
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.inputs import localization_tasks, read_records

FAMILIES = ("fastv", "fastv-norope", "feather", "pyramiddrop", "uniform", "random")
COLUMNS = ["score", "mean_tokens", "stage_layers", "target_box"]
DASHES = ("-", "--", ":", "-.")


def make(records, png, svg, csv, families=FAMILIES, bootstrap=None):
    """families: methods whose variations are drawn as lines, one for each set of layers."""
    records, bootstrap = read_records(records, COLUMNS), Bootstrap(**bootstrap or {})
    table = summary(records, bootstrap)
    plotting.write_table(table, csv)
    plotting.save(draw(table[table["family"].isin([BASELINE, *families])]), png, svg)


def summary(records, bootstrap):
    """Accuracy by group of tasks and method, with its T/N, family and layers."""
    tasks = list(dict.fromkeys(records["task"]))
    groups = task_groups(tasks, localization_tasks(records))
    groups = {name: g for name, g in groups.items() if min(g.values()) > 0}
    table = estimates(by_method(records), groups, bootstrap)
    spent = estimates(budgets(records), groups, bootstrap)
    table["tokens"] = spent["value"]
    layers = records.drop_duplicates("method").set_index("method")["stage_layers"]
    table["layers"] = [", ".join(map(str, layers[m])) for m in table["method"]]
    # a control, such as a replay, is not a point of its family's line
    family = {m: plotting.family(m) if plotting.swept(m) else m for m in table["method"]}
    table["family"] = table["method"].map(family)
    return table


def draw(table):
    groups = list(dict.fromkeys(table["group"]))
    figure, axes = plotting.canvas(1, len(groups), (1.9 + 3.6 * len(groups), 3.6))
    for panel, group in zip(axes[0], groups, strict=True):
        _lines(panel, table[(table["group"] == group) & (table["family"] != BASELINE)])
        full = table[(table["group"] == group) & (table["family"] == BASELINE)].iloc[0]
        plotting.reference(panel, full["value"], "unpruned")
        panel.set(title=group, xlabel="Mean visual tokens per layer, T/N", ylabel="Accuracy")
        panel.set_ylim(bottom=0)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def _lines(panel, rows):
    seen = {}
    for (family, layers), line in rows.groupby(["family", "layers"], sort=False):
        line, look = line.sort_values("tokens"), plotting.style(family)
        dash = DASHES[seen.setdefault(family, 0) % len(DASHES)]
        seen[family] += 1
        panel.vlines(line["tokens"], line["low"], line["high"], color=look.color, lw=1)
        panel.plot(
            line["tokens"], line["value"], dash, color=look.color, marker=look.marker, ms=4.5,
            lw=1.2, label=f"{look.label}, K = {layers}",
        )  # fmt: skip


run(make, globals())
