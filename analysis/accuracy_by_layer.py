"""Accuracy by the layer K before which three quarters of the tokens are removed.

Left localization, right the mean of the other tasks; dashed is the unpruned model. A later layer
costs more: the upper axis has T/N, the mean share of visual tokens that a layer sees. The uniform
grid chooses the same tokens at every K. Bands: 95 % intervals, by image. Compare figure 3c of
FEATHER.
"""

from prunescope.jobs import run

from prunescope.figures import drawing, tables, theme
from prunescope.method_names import BASELINE, LABELS, parse, write
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group
from prunescope.statistics.reading import read_records

FAMILIES = ("fastv", "fastv-norope", "uniform")


def make(
    records, png, svg, pdf, csv, layers, families=FAMILIES, bootstrap: Bootstrap = Bootstrap()
):  # fmt: skip
    """layers: all K that are asked for; families: of the methods <family>-k<K>, a line each."""
    records = read_records(records, COLUMNS)
    names = [write(family, layer=layer) for family in families for layer in layers]
    present = [name for name in names if name in set(records["method"])]
    table = by_group(records, [BASELINE, *present], bootstrap)
    tables.write(table, csv)
    theme.save(draw(table), png, svg, pdf)


def draw(table):
    """table: as from `by_group`."""
    groups = table["group"].unique()
    figure, [axes] = theme.canvas(1, len(groups), (theme.PAGE, 2.4), sharey=True)
    pruned = table[table["method"] != BASELINE].copy()
    pruned["layer"] = pruned["layers"].astype(int)
    pruned["family"] = pruned["method"].map(lambda method: parse(method).stem)
    looks = theme.palette(pruned["family"].unique())
    for panel, group in zip(axes, groups, strict=True):
        rows = pruned[pruned["group"] == group]
        drawing.curves(panel, rows, "layer", "family", looks)
        whole = (table["method"] == BASELINE) & (table["group"] == group)
        theme.reference(panel, table.loc[whole, "value"].iloc[0], "unpruned")
        panel.set(xlabel="Layer K before which tokens are removed", ylim=(0, 1.04))
        panel.set_title(group, pad=10)
        drawing.layer_ticks(panel, rows["layer"])
        _tokens_above(panel, rows)
    drawing.outer_labels([axes])
    axes[0].set_ylabel("Accuracy")
    drawing.label_lines(axes[-1], rows, "layer", "family", looks, LABELS)
    return figure


def _tokens_above(panel, rows):
    """T/N of every other K, as a second axis."""
    shares = rows.groupby("layer")["share"].mean().iloc[::2]
    upper = panel.secondary_xaxis("top")
    upper.set_xticks(shares.index, [f"{share:.2f}".lstrip("0") for share in shares])
    upper.set_xlabel("Mean visual tokens per layer, T/N")


run(make, globals())
