"""How decoders prefer places among tokens without content, in numbers.

Rows: decoder, content of the tokens (or images, for models that see), layer K. Position and
quarters are of the kept tokens. Ratio: mean score in the last quarter of the sequence over that in
the first. Token ratio: of the last token over the first. Explained: squared correlation over rows
with the score of RoPE alone on the mean key, and on equal vectors; negative if they run against
each other.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.places import explained, preferences, read_places

LAYERS = (1, 2, 3, 8, 16, 24)
WITH, WITHOUT, ALONE, EQUAL = "with RoPE", "without RoPE", "RoPE alone", "equal vectors"
# name of a column: measure and variant
COLUMNS = {
    f"position, {WITH}": ("mean_row", "rope"),
    f"position, {WITHOUT}": ("mean_row", "norope"),
    f"position, {ALONE}": ("mean_row", "rope-alone"),
    f"first quarter, {WITH}": ("first", "rope"),
    f"middle half, {WITH}": ("middle", "rope"),
    f"last quarter, {WITH}": ("last", "rope"),
    f"first quarter, {WITHOUT}": ("first", "norope"),
    f"last quarter, {WITHOUT}": ("last", "norope"),
    f"ratio, {WITH}": ("last_over_first_quarter", "rope"),
    f"ratio, {WITHOUT}": ("last_over_first_quarter", "norope"),
    f"token ratio, {WITH}": ("last_over_first_token", "rope"),
    f"explained, {ALONE}": ("explained", "rope-alone"),
    f"explained, {EQUAL}": ("explained", "rope-equal"),
}
NAMES = ["model", "content", "layer"]


def make(
    probes, every_attention, csv, layers=LAYERS, remove=0.75, bootstrap: Bootstrap = Bootstrap()
):
    """layers: K of the rows, where a model has them; remove: fraction of the tokens removed."""
    scores = read_places(probes, every_attention)
    parts = {names: rows(part, layers, remove, bootstrap) for names, part in scores.items()}
    table = pd.concat(parts, names=NAMES[:2]).reset_index(NAMES[:2])
    tables.write(wide(table).rename(columns={"layer": "K"}), csv)


def rows(scores, layers, remove, bootstrap):
    """Preferences and what explains them, at `layers`, as a tidy table."""
    scores = scores.sel(layer=scores["layer"].isin(layers))
    fit = explained(scores, bootstrap).assign(measure="explained")
    return pd.concat([preferences(scores, remove, bootstrap), fit], ignore_index=True)


def wide(table):
    """A row for each of `NAMES`; columns `COLUMNS`, each with " low" and " high"."""
    found = table.set_index([*NAMES, "measure", "variant"])[["value", "low", "high"]]
    parts = {}
    for name, (measure, variant) in COLUMNS.items():
        if (measure, variant) in found.index.droplevel(NAMES):
            part = found.xs((measure, variant), level=["measure", "variant"])
            for end in part:
                parts[f"{name} {end}".removesuffix(" value")] = part[end]
    order = table[NAMES].drop_duplicates()
    return order.merge(pd.DataFrame(parts).reset_index(), on=NAMES, how="left")


run(make, globals())
