"""Log score of a visual token against its distance to the end of the image, by layer K.

Tokens stand in raster order: on the right are the first rows of the image, on the left the last.
Each curve is a mean over questions of the log score less the question's own mean; a straight line
that falls to the right is the decay with distance that the paper blames for the bias, and a flat
one is none. Green is what RoPE alone makes of it: the same query, but the mean of the image's keys
in place of each, so that tokens differ by their positions only; where it runs along with the score
with RoPE, that is where the decay comes from. The slope of the least-squares line stands in each
panel with its 95 % interval, in nats per 100 tokens, and is negative for such a decay; bands are
95 % intervals of the curve. Both resample images. The ripple has the period of one row of the
image.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.decay import decay_curve, decay_slope
from prunescope.statistics.reading import read_scores

LOOKS = {**theme.VARIANTS, "rope-alone": theme.Style("RoPE alone, mean key", "#009E73", "^")}
LAYERS = (1, 2, 3, 4, 6, 9)


def make(attention, png, svg, csv, layers=LAYERS, bootstrap: Bootstrap = Bootstrap()):
    """attention: Zarr stores of scores; layers: a panel for each that the model has."""
    scores = read_scores(attention, tuple(LOOKS))
    scores = scores.sel(layer=scores["layer"].isin(layers))
    curves, slopes = decay_curve(scores, bootstrap), decay_slope(scores, bootstrap)
    parts = {"log_score": curves, "slope_per_token": slopes}
    table = pd.concat(parts, names=["measure", None]).reset_index("measure")
    tables.write(table, csv)
    theme.save(draw(curves, slopes), png, svg)


def draw(curves, slopes):
    """curves, slopes: as from `decay_curve` and `decay_slope`."""
    layers = sorted(curves["layer"].unique())
    columns = min(3, len(layers))
    size, shared = (8.4, 0.6 + 2.2 * -(-len(layers) // columns)), {"sharex": True, "sharey": True}
    figure, axes = theme.canvas(-(-len(layers) // columns), columns, size, **shared)
    for panel, layer in zip(axes.flat, layers, strict=False):
        _layer(panel, curves[curves["layer"] == layer], slopes[slopes["layer"] == layer])
        panel.set_title(f"K = {layer}", loc="left")
    ends = curves[["value", "low", "high"]]  # one image has no interval
    axes[0, 0].set_ylim(1.1 * ends.min(axis=None), 1.4 * ends.max(axis=None))
    for panel in axes.flat[len(layers) :]:
        panel.set_visible(False)
    figure.supxlabel("Distance to the end of the image, tokens", fontsize=9)
    figure.supylabel("Log score, less its mean", fontsize=9)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _layer(panel, curves, slopes):
    slopes = slopes.set_index("variant")
    for height, (variant, look) in enumerate(LOOKS.items()):
        rows = curves[curves["variant"] == variant]
        theme.curve(panel, rows, "distance", look, marker="", lw=1)
        value, low, high = 100 * slopes.loc[variant, ["value", "low", "high"]].astype(float)
        text = f"{value:.2f} [{low:.2f}, {high:.2f}]"
        panel.text(
            0.98, 0.97 - 0.1 * height, text, color=look.color, fontsize=7,
            ha="right", va="top", transform=panel.transAxes,
        )  # fmt: skip
    theme.reference(panel, 0, "")


run(make, globals())
