"""Accuracy by the layer K before which three quarters of the tokens are removed.

Figure 3c of FEATHER. Left localization, right the mean of the other tasks; dashed is the unpruned
model. A later layer costs more: the upper axis has what a layer sees on average of the visual
tokens. Where a line reaches the dashed one, nothing is lost by pruning from there on. The uniform
grid chooses the same tokens at every K, so that its line is what the layers before K add; where
another line lies below it, the score chooses worse than a grid. Bands are 95 % intervals that
resample images.
"""

from prunescope.jobs import run

from prunescope.figures import tables, theme
from prunescope.method_names import BASELINE, parse, write
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group
from prunescope.statistics.reading import read_records

FAMILIES = ("fastv", "fastv-norope", "uniform")


def make(records, png, svg, csv, layers, families=FAMILIES, bootstrap: Bootstrap = Bootstrap()):
    """layers: all K that are asked for; families: of the methods <family>-k<K>, a line each."""
    records = read_records(records, COLUMNS)
    names = [write(family, layer=layer) for family in families for layer in layers]
    present = [name for name in names if name in set(records["method"])]
    table = by_group(records, [BASELINE, *present], bootstrap)
    tables.write(table, csv)
    theme.save(draw(table, layers), png, svg)


def draw(table, layers):
    """table: as from `by_group`."""
    groups = list(dict.fromkeys(table["group"]))
    figure, axes = theme.canvas(1, len(groups), (1 + 3.6 * len(groups), 3.4), sharey=True)
    pruned = table[table["method"] != BASELINE]
    pruned = pruned.assign(layer=pruned["layers"].astype(int))
    pruned["family"] = pruned["method"].map(lambda method: parse(method).stem)
    for panel, group in zip(axes[0], groups, strict=True):
        part = pruned[pruned["group"] == group]
        for family, rows in part.groupby("family", sort=False):
            theme.curve(panel, rows.sort_values("layer"), "layer", theme.style(family))
        full = table[(table["method"] == BASELINE) & (table["group"] == group)]["value"].iloc[0]
        theme.reference(panel, full, "unpruned")
        panel.set(xlabel="Layer K before which tokens are removed", xticks=layers, ylim=(0, 1.04))
        panel.set_title(group, pad=10)
        _tokens_above(panel, part)
    axes[0, 0].set_ylabel("Accuracy")
    axes[0, 0].legend(loc="lower right")
    return figure


def _tokens_above(panel, rows):
    """Every other K's mean share of visual tokens as a second axis."""
    shares = rows.groupby("layer")["share"].mean().iloc[::2]
    upper = panel.secondary_xaxis("top")
    upper.set_xticks(shares.index, [f"{share:.2f}" for share in shares])
    upper.tick_params(labelsize=7)
    upper.set_xlabel("Mean visual tokens per layer, T/N", fontsize=7)


run(make, globals())
