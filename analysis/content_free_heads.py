"""Which attention heads prefer late tokens among tokens without content, by layer K.

Rise of the log score from the first row of a grid of drawn words to its last, along the
least-squares line, in nats: above 0, later tokens score higher. Above, the score with RoPE; below,
without it. RoPE alone, on the mean key of the tokens, is in the table, with 95 % intervals by
prompt.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.errors import known
from prunescope.figures import drawing, tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.places import head_rises
from prunescope.statistics.reading import read_head_logs

SPAN = (-6, 6)  # nats; a factor of 400 either way


def make(
    probes, png, svg, pdf, csv, titles=None, content="words", bootstrap: Bootstrap = Bootstrap()
):
    """titles: of decoders by their names, from left to right (all, by default); content: of the
    tokens."""
    logs = {
        model: part for (model, kind), part in read_head_logs(probes).items() if kind == content
    }
    titles = titles or {model: model for model in logs}
    for model in titles:
        known(model, logs, "titles")
    parts = {model: head_rises(logs[model], bootstrap) for model in titles}
    table = pd.concat(parts, names=["model", None]).reset_index("model")
    tables.write(table, csv)
    theme.save(draw(table, titles), png, svg, pdf)


def draw(table, titles):
    figure, axes = theme.canvas(len(theme.VARIANTS), len(titles), (theme.PAGE, 5.2))
    for column, (model, title) in zip(axes.T, titles.items(), strict=True):
        column[0].set_title(theme.wrapped(title, 18))
        for panel, variant in zip(column, theme.VARIANTS, strict=True):
            rows = table[(table["model"] == model) & (table["variant"] == variant)]
            values = rows.pivot(index="layer", columns="head", values="value")
            drawing.heatmap(panel, values, SPAN, xticklabels=4, yticklabels=4)
            panel.set(xlabel="", ylabel="")
        column[-1].set_xlabel("Attention head")
    for panel, label in zip(axes[:, 0], theme.VARIANT_LABELS.values(), strict=True):
        panel.set_ylabel(f"Layer K, {label}")
    drawing.color_bar(figure, axes, SPAN, "Rise of the log score", [-6, -3, 0, 3, 6], shrink=0.5)
    return figure


run(make, globals())
