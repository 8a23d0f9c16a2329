"""Where decoders keep tokens without content, by layer K, with and without RoPE in the score.

In place of an image, the prompt has a grid of drawn words; only places differ. Above: vertical
position of the kept tokens (0 top, 1 bottom). Below: share of them in the last quarter of the
sequence. Dashed: an even choice. Thin lines: other tokens without content (Gaussian vectors, one
repeated word). Models that see are shown on images. Bands: 95 % intervals, by prompt or image.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import drawing, tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.places import preferences, read_places

WORDS = "words"
SHOWN = {
    "mean_row": "Vertical position\nof kept tokens",
    "last": "Share of kept tokens\nin the last quarter",
}
LIMITS = {"mean_row": (1, 0), "last": (0, 1)}
MIDDLE = 0.5
MOST_TICKS = 6


def make(
    probes, every_attention, png, svg, pdf, csv, titles=None, remove=0.75, layer=3,
    bootstrap: Bootstrap = Bootstrap(),
):  # fmt: skip
    """titles: of decoders and models by their names, from left to right (all, by default); remove:
    fraction of the tokens that is removed; layer: K of which the headline tells."""
    table = measures(read_places(probes, every_attention), remove, bootstrap)
    tables.write(table, csv)
    titles = titles or {name: name for name in dict.fromkeys(table["model"])}
    figure = draw(table, titles)
    theme.headline(figure, message(table, titles, layer))
    theme.save(figure, png, svg, pdf)


def measures(scores, remove, bootstrap):
    """`preferences` of decoders by content, and of models on all their images."""
    parts = {names: preferences(part, remove, bootstrap) for names, part in scores.items()}
    return pd.concat(parts, names=["model", "content", None]).reset_index(["model", "content"])


def draw(table, titles):
    """table: as from `measures`."""
    figure, axes = theme.canvas(2, len(titles), (theme.PAGE, 3.6))
    for column, (model, title) in zip(axes.T, titles.items(), strict=True):
        for panel, measure in zip(column, SHOWN, strict=True):
            rows = table[(table["model"] == model) & (table["measure"] == measure)]
            _panel(panel, rows)
            panel.set_ylim(LIMITS[measure])
        column[0].set_title(theme.wrapped(title, 22))
        column[1].set_xlabel("Layer K")
    drawing.outer_labels(axes)
    for panel, label in zip(axes[:, 0], SHOWN.values(), strict=True):
        panel.set_ylabel(label)
    drawing.label_variants(axes[1, -1], rows[rows["content"] == _main(rows)])
    return figure


def _panel(panel, rows):
    """One measure of one model: the main content with its bands, others as thin lines."""
    main = _main(rows)
    drawing.curves(panel, rows[rows["content"] == main], "layer", "variant", theme.VARIANTS)
    others = rows[(rows["content"] != main) & rows["variant"].isin(theme.VARIANTS)]
    for (_, variant), line in others.groupby(["content", "variant"]):
        color = theme.VARIANTS[variant].color
        panel.plot(line["layer"], line["value"], color=color, lw=0.5, alpha=0.6)
    theme.reference(panel, rows["chance"].iloc[0])
    layers = sorted(rows["layer"].unique())
    panel.set_xticks(layers[:: -(-len(layers) // MOST_TICKS)])


def _main(rows):
    """Content that is shown with bands: words, or images."""
    return WORDS if WORDS in set(rows["content"]) else rows["content"].iloc[0]


def message(table, titles, layer):
    """Where each decoder keeps drawn words at one layer, as far as the intervals allow."""
    rows = table[(table["content"] == WORDS) & (table["measure"] == "mean_row")]
    rows = rows[(rows["variant"] == "rope") & (rows["layer"] == layer)].set_index("model")
    places = [f"{_place(rows.loc[name])} ({titles[name]})" for name in titles if name in rows.index]
    if not places:
        return "Where tokens are kept, by layer"
    return f"Without an image, tokens kept with RoPE at K = {layer} lie {', '.join(places)}"


def _place(row):
    shift = f"{abs(row['value'] - MIDDLE):.2f}"
    if row["high"] < MIDDLE:
        return f"{shift} above the middle"
    if row["low"] > MIDDLE:
        return f"{shift} below the middle"
    return "at no clear distance from the middle"


run(make, globals())
