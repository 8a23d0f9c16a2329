"""Promised against measured reduction of the prefill's cost.

Horizontally, the share of the cost that a method promises to save: left by visual tokens, right by
all operations of the prefill, text and scoring included. Vertically, the share of the time that it
saves on the named device. On the dashed line the promise is kept. Arrows point at values below the
axis. Bars: quartiles of repeated runs.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import drawing, tables, theme
from prunescope.method_names import BASELINE, LABELS, parse
from prunescope.statistics.timing import read_timing

PROMISED = {
    "kept_share": "Promised by visual tokens, 1 - T/N",
    "prefill_flops": "Promised by operations",
}
TIMES = {"value": "prefill_ms", "low": "prefill_ms_q75", "high": "prefill_ms_q25"}
LOWEST = -0.25  # of the vertical axis; slower methods are at its end, as arrows


def make(timing, operations, png, svg, pdf, csv):
    """timing, operations: Parquet files of one model with a row for each method."""
    measured = read_timing(timing, "prefill_ms")
    promised = pd.concat([pd.read_parquet(path) for path in operations], ignore_index=True)
    table = savings(measured.merge(promised[["method", *PROMISED]], on="method"))
    tables.write(table, csv)
    theme.save(draw(table), png, svg, pdf)


def savings(measured):
    """Shares saved of what the unpruned model spends: columns method, each of `PROMISED`, value,
    low, high (measured, with quartiles), device, batch_size."""
    spent = measured.set_index("method")
    full = spent.loc[BASELINE]
    promised = {name: 1 - spent[name] / full[name] for name in PROMISED}
    times = {name: 1 - spent[column] / full["prefill_ms"] for name, column in TIMES.items()}
    table = pd.DataFrame(promised | times | spent[["device", "batch_size"]].to_dict("series"))
    return table.astype(dict.fromkeys([*PROMISED, *TIMES], float)).reset_index()


def draw(table):
    """table: as from `savings`."""
    figure, [axes] = theme.canvas(1, 2, (theme.PAGE, 3.0), sharey=True)
    pruned = table[table["method"] != BASELINE].copy()
    pruned["family"] = pruned["method"].map(lambda method: parse(method).base)
    looks = theme.palette(pruned["family"].unique())
    slow = pruned["value"] < LOWEST
    for panel, (column, label) in zip(axes, PROMISED.items(), strict=True):
        drawing.bars(panel, pruned[~slow], column, "family", looks, line=False)
        panel.plot([0, 1], [0, 1], color=theme.GREY, lw=0.8, ls=theme.DASHES, zorder=0)
        for _, row in pruned[slow].iterrows():
            color = looks[row["family"]].color
            panel.plot(row[column], LOWEST + 0.03, "v", color=color, ms=drawing.POINT, mfc="none")
        panel.set(xlabel=label, xlim=(-0.03, 1.03), ylim=(LOWEST, 1))
    drawing.outer_labels([axes])
    device, batch = table.loc[0, ["device", "batch_size"]]
    axes[0].set_ylabel(f"Measured reduction of prefill time\n({device}, batch of {batch})")
    colored = {name: look for name, look in looks.items() if look.color != theme.GREY}
    drawing.mark_legend(figure, colored, LABELS)
    return figure


run(make, globals())
