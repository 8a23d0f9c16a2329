"""Promised against measured reduction of the prefill's cost.

Horizontally the share that a method promises to save, vertically the share of the prefill's time
that it saves on the clock, on the device that is named: left promised by the visual tokens that a
layer sees on average (the "FLOPs reduction" of FEATHER), right by the prefill's operations, with
the text's tokens and the scoring (the table of costs compares them with what torch counts). On the
dashed line all that is promised is saved; below it, the scoring and what does not depend on tokens
take their part. Bars are quartiles of repeated runs.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.errors import InputError
from prunescope.figures import tables, theme
from prunescope.method_names import BASELINE, parse

PROMISED = {
    "kept_share": "Promised by tokens, 1 - T/N",
    "prefill_flops": "Promised by operations",
}
TIMES = {"value": "prefill_ms", "low": "prefill_ms_q75", "high": "prefill_ms_q25"}


def make(cost, png, svg, csv):
    """cost: Parquet files of one model with a row for each method, the unpruned one among them."""
    measured = pd.concat([pd.read_parquet(path) for path in cost], ignore_index=True)
    if (measured["method"] == BASELINE).sum() != 1 or measured["method"].duplicated().any():
        raise InputError(f"cost: expected a row for each method of one model, {BASELINE!r} too")
    table = savings(measured)
    tables.write(table, csv)
    theme.save(draw(table), png, svg)


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
    figure, axes = theme.canvas(1, 2, (8.6, 3.6), sharey=True)
    pruned = table[table["method"] != BASELINE]
    pruned = pruned.assign(family=pruned["method"].map(lambda method: parse(method).base))
    for panel, (column, title) in zip(axes[0], PROMISED.items(), strict=True):
        panel.axline((0, 0), slope=1, color="0.45", lw=0.9, ls="--", zorder=0)
        for family, rows in pruned.groupby("family", sort=False):
            look = theme.style(family)
            panel.vlines(rows[column], rows["low"], rows["high"], color=look.color, lw=1)
            points = {"ls": "none", "marker": look.marker, "ms": 4.5, "label": look.label}
            panel.plot(rows[column], rows["value"], color=look.color, **points)
        panel.set(xlabel=title, xlim=(-0.03, 1.03), ylim=(min(0, pruned["low"].min()), 1))
    device, batch = table.loc[0, ["device", "batch_size"]]
    axes[0, 0].set_ylabel(f"Measured reduction of prefill time\n({device}, batch of {batch})")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center")
    return figure


run(make, globals())
