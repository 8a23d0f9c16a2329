"""Does the bias follow the position encoding? The same small VLM, trained with different ones.

One column for each model. Top: how often each token is kept at the first layer, in the place of the
image that it comes from, by the score with RoPE and below it without; white is what an unbiased
choice gives, red more often, blue less, on one scale for all. Then by layer K the mean height of
what is kept (0 top, 1 bottom; 0.5 without bias) and the share of the true box's tokens among it
(dashed: of a choice that does not look). If RoPE makes the bias, it is there in the models with
it and not in those without. "With RoPE" is with whatever the model rotates by; in one that does not
rotate, both scores are the same. Bands are 95 % intervals that resample images; the table has the
share in the bottom quarter, too. Models are trained one by one, and so differ in more than their
positions: the table of models has their accuracy.
"""

from prunescope.jobs import run

import numpy as np
import pandas as pd

from prunescope.errors import known
from prunescope.figures import tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.boxes import recall_by_layer
from prunescope.statistics.position import position_bias, retention
from prunescope.statistics.reading import read_every_scores, read_records
from prunescope.top_k import kept_count

RECALL = "box_recall"


def make(
    every_attention,
    every_records,
    png,
    svg,
    csv,
    titles=None,
    remove=0.75,
    bootstrap: Bootstrap = Bootstrap(),
):
    """every_records: for the true boxes; titles: of models by their names, from left to right (all,
    by default); remove: fraction of the tokens that is removed."""
    scores = read_every_scores(every_attention)
    titles = titles or {model: model for model in scores}
    asked = read_records(every_records, ["target_box"])
    asked = asked[(asked["method"] == BASELINE) & (asked["target_box"].map(len) == 4)]
    measured = {}
    for model in titles:
        known(model, scores, "titles")
        boxes = asked[asked["model"] == model].set_index("example")["target_box"]
        measured[model] = measures(scores[model], boxes, remove, bootstrap)
    table = pd.concat(measured, names=["model", None]).reset_index("model")
    tables.write(table, csv)
    maps = {titles[model]: retention(scores[model], remove).isel(layer=0) for model in titles}
    theme.save(draw(maps, table.replace({"model": titles}), remove), png, svg)


def measures(scores, boxes, remove, bootstrap):
    """`position_bias` of one model, and `recall_by_layer` as one more measure."""
    recall = recall_by_layer(scores, boxes, remove, bootstrap)
    chance = kept_count(scores.sizes["row"] * scores.sizes["col"], remove)
    chance /= scores.sizes["row"] * scores.sizes["col"]
    recall = recall.assign(measure=RECALL, remove=remove, chance=chance)
    return pd.concat([position_bias(scores, [remove], bootstrap), recall], ignore_index=True)


def draw(maps, table, remove):
    """maps: title -> P(kept) (variant, row, col); table: its column `model` holds the titles."""
    size, ratios = (1.4 + 1.9 * len(maps), 7.6), {"height_ratios": [1.1, 1.1, 1, 1]}
    figure, axes = theme.canvas(4, len(maps), size, **ratios)
    unbiased = table.loc[table["measure"] == RECALL, "chance"].iloc[0]
    most = max(float(each.max()) for each in maps.values())
    span = 0.0, max(most, np.nextafter(unbiased, 1))
    for column, (title, each) in zip(axes.T, maps.items(), strict=True):
        column[0].set_title(title)
        for panel, variant in zip(column, theme.VARIANTS, strict=False):
            image = theme.heat(panel, each.sel(variant=variant).values, unbiased, span)
            panel.set(xticks=[], yticks=[], aspect=1)
        rows = table[table["model"] == title]
        _curves(column[2], rows[rows["measure"] == "mean_row"])
        _curves(column[3], rows[rows["measure"] == RECALL])
        column[3].set_xlabel("Layer K")
    for panel, look in zip(axes[:, 0], theme.VARIANTS.values(), strict=False):
        panel.set_ylabel(f"Kept at K = {table['layer'].min()}\n{look.label}")
    axes[2, 0].set_ylabel("Mean height of\nkept tokens")
    axes[3, 0].set_ylabel("Share of the true\nbox's tokens kept")
    bar = figure.colorbar(image, ax=axes[:2], pad=0.01, shrink=0.8)
    bar.set_label("Share of questions\nthat keep the token")
    figure.legend(*axes[2, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _curves(panel, rows):
    for variant, look in theme.VARIANTS.items():
        theme.curve(panel, rows[rows["variant"] == variant], "layer", look, ms=3)
    theme.reference(panel, rows["chance"].iloc[0], "")
    panel.set(ylim=(0, 1.02), xticks=sorted(rows["layer"].unique())[::2])


run(make, globals())
