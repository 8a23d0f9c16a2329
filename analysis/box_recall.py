"""Share of the true box's tokens that are kept, by layer K and with and without RoPE in the score.

For each localization question: of the visual tokens on the object that is asked for, how many a
single-stage attention method keeps at layer K. A choice that knows nothing of the question keeps
the dashed share. Bands are 95 % intervals that resample images. A token counts as part of the box
when at least half of its cell lies inside.
"""

from prunescope.jobs import run

from prunescope.figures import tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.boxes import recall_by_layer
from prunescope.statistics.reading import read_records, read_scores
from prunescope.top_k import kept_count


def make(records, attention, png, svg, csv, remove=0.75, bootstrap: Bootstrap = Bootstrap()):
    """records: Parquet files, for the true boxes; attention: Zarr stores of the same questions."""
    scores = read_scores(attention)
    asked = read_records(records, ["target_box"])
    asked = asked[(asked["method"] == BASELINE) & (asked["target_box"].map(len) == 4)]
    boxes = asked.set_index("example")["target_box"]
    table = recall_by_layer(scores, boxes, remove, bootstrap)
    size = scores.sizes["row"] * scores.sizes["col"]
    table["kept_share"] = kept_count(size, remove) / size
    tables.write(table, csv)
    theme.save(draw(table), png, svg)


def draw(table):
    figure, axes = theme.canvas(1, 1, (4.6, 3))
    panel = axes[0, 0]
    for variant, look in theme.VARIANTS.items():
        theme.curve(panel, table[table["variant"] == variant], "layer", look)
    theme.reference(panel, table["kept_share"].iloc[0], "share of all tokens kept")
    panel.set(xlabel="Layer K before which tokens are removed", ylim=(0, 1.02))
    panel.set(ylabel="Share of the true box's tokens kept")
    panel.set_xticks(sorted(table["layer"].unique()))
    panel.legend()
    return figure


run(make, globals())
