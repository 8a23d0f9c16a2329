"""Share of the target's tokens that are kept, by layer K, with and without RoPE in the score.

The target is the object that a localization question asks for. Of its visual tokens, the line is
the share that a single-stage attention method keeps at layer K. Dashed: a choice that ignores the
question. A token is of the target if half of its cell lies in the true box. Bands: 95 % intervals,
by image.
"""

from prunescope.jobs import run

from prunescope.figures import drawing, tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.boxes import recall_by_layer
from prunescope.statistics.reading import read_records, read_scores
from prunescope.top_k import kept_count


def make(
    records, attention, png, svg, pdf, csv, remove=0.75, bootstrap: Bootstrap = Bootstrap()
):  # fmt: skip
    """records: Parquet files, for the true boxes; attention: Zarr stores of the same questions;
    remove: fraction of the tokens that is removed."""
    scores = read_scores(attention)
    questions = read_records(records, ["target_box"])
    boxed = (questions["method"] == BASELINE) & (questions["target_box"].map(len) == 4)
    boxes = questions[boxed].set_index("example")["target_box"]
    table = recall_by_layer(scores, boxes, remove, bootstrap)
    tokens = scores.sizes["row"] * scores.sizes["col"]
    table["kept_share"] = kept_count(tokens, remove) / tokens
    tables.write(table, csv)
    theme.save(draw(table), png, svg, pdf)


def draw(table):
    """table: columns layer, variant, value, low, high, kept_share."""
    figure, [[panel]] = theme.canvas(1, 1, (theme.COLUMN, 2.4))
    drawing.curves(panel, table, "layer", "variant", theme.VARIANTS)
    theme.reference(panel, table["kept_share"].iloc[0], "chance")
    panel.set(xlabel="Layer K before which tokens are removed", ylim=(0, 1.02))
    panel.set(ylabel="Share of the target's tokens kept")
    drawing.layer_ticks(panel, table["layer"])
    drawing.label_variants(panel, table)
    theme.headline(figure, message(table))
    return figure


def message(table):
    """What the first layer shows, with the word that the interval allows."""
    first = table[(table["layer"] == table["layer"].min()) & (table["variant"] == "rope")].iloc[0]
    chance = first["kept_share"]
    compared = "fewer than" if first["high"] < chance else "about as many as"
    compared = "more than" if first["low"] > chance else compared
    return (
        f"At K = {first['layer']}, attention keeps {first['value']:.0%} of the target's tokens, "
        f"{compared} chance ({chance:.0%})"
    )


run(make, globals())
