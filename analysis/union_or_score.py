"""Union of score and grid against as many tokens by the score alone.

The union keeps more tokens than the score that it contains, so that part of its gain may be owed to
their number. Here its rivals keep as many as it does on average: marks of one K that stand above
each other have spent the same. Left localization, right the mean of the other tasks, against what a
layer sees on average of the visual tokens; from left to right the score removes less. Dashed is the
unpruned model. Bars are 95 % intervals that resample images.
"""

from prunescope.jobs import run

from prunescope.figures import tables, theme
from prunescope.method_names import BASELINE, parse
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group
from prunescope.statistics.reading import read_records

DASHES = ("-", "--", ":", "-.")


def make(records, png, svg, csv, lines, bootstrap: Bootstrap = Bootstrap()):
    """lines: for each K, lists of methods that are joined; the first is the union's."""
    records = read_records(records, COLUMNS)
    shown = [method for block in lines for line in block for method in line]
    table = by_group(records, [BASELINE, *shown], bootstrap)
    tables.write(table, csv)
    theme.save(draw(table, lines), png, svg)


def draw(table, lines):
    """table: as from `by_group`."""
    groups = list(dict.fromkeys(table["group"]))
    figure, axes = theme.canvas(1, len(groups), (2.6 + 3.2 * len(groups), 3.2), sharey=True)
    for panel, group in zip(axes[0], groups, strict=True):
        rows = table[table["group"] == group].set_index("method")
        for block, dash in zip(lines, DASHES, strict=False):
            for line in block:
                _line(panel, rows[rows.index.isin(line)].sort_values("share"), dash)
        theme.reference(panel, rows.loc[BASELINE, "value"], "")
        panel.set(title=group, xlabel="Mean visual tokens per layer, T/N", ylim=(0, 1.04))
    axes[0, 0].set_ylabel("Accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center")
    return figure


def _line(panel, rows, dash):
    if rows.empty:  # none could have the budget that it was to have
        return
    look = theme.style(parse(rows.index[0]).base)
    panel.vlines(rows["share"], rows["low"], rows["high"], color=look.color, lw=1)
    label = f"{look.label}, K = {rows['layers'].iloc[0]}"
    options = {"marker": look.marker, "ms": 4.5, "lw": 1.2, "label": label}
    panel.plot(rows["share"], rows["value"], dash, color=look.color, **options)


run(make, globals())
