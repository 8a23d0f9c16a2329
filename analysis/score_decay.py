"""Log score of a visual token by its row in the image, and how it rises, by layer K.

Above: mean log score by row, less the question's own mean, and the least-squares line. Below: the
rise of that line; above 0, tokens nearer to the text score higher, as a decay with distance would
have it. "RoPE alone" replaces each key by the image's mean key, so that tokens differ by position
only. Bars: 95 % intervals, by image.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import drawing, tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.decay import decay_curve, decay_slope
from prunescope.statistics.reading import read_scores

LOOKS = {**theme.VARIANTS, "rope-alone": theme.Look(theme.LOOKS["position-shuffle"].color, "^")}
LABELS = {**theme.VARIANT_LABELS, "rope-alone": "RoPE alone, mean key"}
LAYERS = (1, 2, 3, 4, 6, 9)


def make(attention, png, svg, pdf, csv, layers=LAYERS, bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores of scores; layers: those that are shown, if the model has them."""
    scores = read_scores(attention, tuple(LOOKS))
    scores = scores.sel(layer=scores["layer"].isin(layers))
    curves, slopes = decay_curve(scores, bootstrap), decay_slope(scores, bootstrap)
    parts = {"log_score": curves, "slope_per_token": slopes}
    table = pd.concat(parts, names=["measure", None]).reset_index("measure")
    tables.write(table, csv)
    theme.save(draw(by_row(curves, slopes, scores.sizes["col"]), slopes), png, svg, pdf)


def by_row(curves, slopes, columns):
    """Columns layer, variant, row (from 0, the top), value (mean log score) and fit (the line)."""
    tokens = curves["distance"].max()
    slope = slopes.set_index(["layer", "variant"])["value"]
    slope_by_row = slope.reindex(pd.MultiIndex.from_frame(curves[["layer", "variant"]])).to_numpy()
    rows = curves.assign(
        row=(tokens - curves["distance"]) // columns,
        fit=slope_by_row * (curves["distance"] - (tokens + 1) / 2),
    )
    return rows.groupby(["layer", "variant", "row"], as_index=False)[["value", "fit"]].mean()


def draw(rows, slopes):
    """rows: as from `by_row`; slopes: as from `decay_slope`."""
    layers = sorted(rows["layer"].unique())
    figure, axes = theme.canvas(2, len(layers), (theme.PAGE, 3.6))
    for panel, layer in zip(axes[0], layers, strict=True):
        _layer(panel, rows[rows["layer"] == layer])
        panel.set_title(f"K = {layer}")
        panel.sharey(axes[0, 0])
        panel.tick_params(labelleft=panel is axes[0, 0])
    axes[0, 0].set_ylabel("Log score,\nless its mean")
    axes[0, len(layers) // 2].set_xlabel("Row of the image, from its top")
    grid = axes[1, 0].get_gridspec()
    for panel in axes[1]:
        panel.remove()
    _slopes(figure.add_subplot(grid[1, :]), slopes, layers)
    drawing.mark_legend(figure, LOOKS, LABELS)
    return figure


def _layer(panel, rows):
    """Means by row as marks, the fitted lines through them."""
    theme.reference(panel, 0)
    for variant, look in LOOKS.items():
        line = rows[rows["variant"] == variant]
        panel.plot(line["row"], line["value"], ls="", color=look.color, marker=look.marker, ms=2)
        panel.plot(line["row"], line["fit"], color=look.color, lw=1)


def _slopes(panel, slopes, layers):
    """Rise towards the end of the image, by layer, in nats per 100 tokens."""
    theme.reference(panel, 0)
    shift = dict(zip(LOOKS, (-0.12, 0.0, 0.12), strict=True))
    shown = slopes[slopes["variant"].isin(LOOKS)].copy()
    # the table has slopes over the distance to the end, which falls from row to row
    shown[["value", "low", "high"]] = -100 * shown[["value", "high", "low"]].to_numpy()
    shown["place"] = shown["layer"].map(layers.index) + shown["variant"].map(shift)
    drawing.bars(panel, shown, "place", "variant", LOOKS, line=False)
    panel.set_xticks(range(len(layers)), layers)
    panel.set(xlabel="Layer K before which tokens are removed")
    panel.set_ylabel("Rise, nats\nper 100 tokens")


run(make, globals())
