"""Where kept tokens lie in the same small VLM, trained with different position encodings.

A column for each model. Maps: how often the first layer keeps each token, over a random choice, by
the score with RoPE and without. Below, by layer K: vertical position of the kept tokens (0 top, 1
bottom) and share of the target's tokens among them. Dashed: a random choice. Without rotation both
scores agree. Bands: 95 % intervals, by image.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.errors import known
from prunescope.figures import drawing, tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.boxes import recall_by_layer
from prunescope.statistics.position import position_bias, retention
from prunescope.statistics.reading import read_every_scores, read_records
from prunescope.top_k import kept_count

RECALL = "box_recall"


def make(
    every_attention, every_records, png, svg, pdf, csv, titles=None, remove=0.75,
    bootstrap: Bootstrap = Bootstrap(),
):  # fmt: skip
    """every_records: for the true boxes; titles: of models by their names, from left to right (all,
    by default); remove: fraction of the tokens that is removed."""
    scores = read_every_scores(every_attention)
    titles = titles or {model: model for model in scores}
    records = read_records(every_records, ["target_box"])
    boxed = records[(records["method"] == BASELINE) & (records["target_box"].map(len) == 4)]
    parts = {}
    for model in titles:
        known(model, scores, "titles")
        boxes = boxed[boxed["model"] == model].set_index("example")["target_box"]
        parts[model] = measures(scores[model], boxes, remove, bootstrap)
    table = pd.concat(parts, names=["model", None]).reset_index("model")
    tables.write(table, csv)
    maps = {titles[model]: retention(scores[model], remove).isel(layer=0) for model in titles}
    theme.save(draw(maps, table.replace({"model": titles})), png, svg, pdf)


def measures(scores, boxes, remove, bootstrap):
    """`position_bias` of one model, and `recall_by_layer` as one more measure."""
    recall = recall_by_layer(scores, boxes, remove, bootstrap)
    chance = kept_count(scores.sizes["row"] * scores.sizes["col"], remove)
    chance /= scores.sizes["row"] * scores.sizes["col"]
    recall = recall.assign(measure=RECALL, remove=remove, chance=chance)
    return pd.concat([position_bias(scores, [remove], bootstrap), recall], ignore_index=True)


def draw(maps, table):
    """maps: title -> share of questions that keep each token (variant, row, col); table: its column
    `model` holds the titles."""
    size, ratios = (theme.PAGE, 5.6), {"height_ratios": [1.1, 1.1, 1, 1]}
    figure, axes = theme.canvas(4, len(maps), size, **ratios)
    for column, (title, kept) in zip(axes.T, maps.items(), strict=True):
        column[0].set_title(theme.wrapped(title, 16))
        for panel, variant in zip(column, theme.VARIANTS, strict=False):
            ratio = kept.sel(variant=variant)
            drawing.ratio_map(panel, (ratio / ratio.mean()).values)
        rows = table[table["model"] == title]
        _curves(column[2], rows[rows["measure"] == "mean_row"], (1, 0))
        _curves(column[3], rows[rows["measure"] == RECALL], (0, 1.02))
        column[3].set_xlabel("Layer K")
    for line in axes[2:]:
        drawing.outer_labels([line])
    for panel, label in zip(axes[:, 0], theme.VARIANT_LABELS.values(), strict=False):
        panel.set_ylabel(f"Kept at K = {table['layer'].min()},\n{label}")
    axes[2, 0].set_ylabel("Vertical position\nof kept tokens")
    axes[3, 0].set_ylabel("Share of the target's\ntokens kept")
    drawing.ratio_bar(figure, axes[:2], shrink=0.8)
    drawing.label_variants(axes[3, -1], rows[rows["measure"] == RECALL])
    return figure


def _curves(panel, rows, limits):
    drawing.curves(panel, rows, "layer", "variant", theme.VARIANTS)
    theme.reference(panel, rows["chance"].iloc[0])
    panel.set(ylim=limits, xticks=sorted(rows["layer"].unique())[::3])


run(make, globals())
