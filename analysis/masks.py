"""What each method keeps of the same images, with the target.

A row is one localization question, drawn at random from those that the unpruned model gets right.
First the image with its target, enlarged in the corner; then what each method leaves. Removed
patches lie under a dark veil, lighter if a later stage removes them. Green: true box; magenta,
dashed: predicted box. Compare figures 3a and A2 to A4 of FEATHER.
"""

from prunescope.jobs import run

from textwrap import fill

import numpy as np

from prunescope.errors import InputError
from prunescope.figures import patches, tables, theme
from prunescope.figures.examples import draw_answer, questions
from prunescope.method_names import BASELINE, label
from prunescope.statistics.by_method import check_methods, present
from prunescope.statistics.reading import read_records, read_scores

COLUMNS = ["score", "iou", "prediction", "target_box", "kept"]


def make(
    records, attention, cards, png, svg, pdf, csv, methods, examples=3, asking=None, seed=0
):  # fmt: skip
    """methods: columns after the image; examples: how many; attention: for the grid; cards: of all
    tasks."""
    paths, scores = records, read_scores(attention)
    records = read_records(paths, ["score", "target_box"])
    check_methods(records, [BASELINE])
    methods = present(records, methods)
    chosen = choose(records, examples, seed)
    rows = read_records(paths, COLUMNS, examples=chosen)
    rows = rows[rows["method"].isin(methods)]
    asked = questions(rows, cards, asking)
    tables.write(rows.drop(columns="kept"), csv)
    grid = scores.sizes["row"], scores.sizes["col"]
    theme.save(draw(rows, chosen, methods, asked, grid), png, svg, pdf)


def choose(records, count, seed):
    """Ids of `count` random questions with a true box that the unpruned model gets right."""
    right = (records["method"] == BASELINE) & (records["score"] > 0)
    located = sorted(records[right & (records["target_box"].map(len) == 4)]["example"])
    if len(located) < count:
        raise InputError(
            f"examples: asked for {count}, the unpruned model has {len(located)} right"
        )
    return list(np.random.default_rng(seed).choice(located, count, replace=False))


def draw(rows, chosen, methods, asked, grid):
    """rows: records of the chosen examples; asked: example -> `Question`."""
    columns = 1 + len(methods)
    size = theme.PAGE, 0.3 + len(chosen) * (0.3 + 6.0 / columns)
    figure, axes = theme.canvas(len(chosen), columns, size)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03, wspace=0, hspace=0)
    rows = rows.set_index(["example", "method"])
    for line, example in zip(axes, chosen, strict=True):
        _target(line[0], asked[example], rows.loc[(example, methods[0]), "target_box"], grid)
        for panel, method in zip(line[1:], methods, strict=True):
            draw_answer(panel, rows.loc[(example, method)], asked[example], grid)
    for panel, method in zip(axes[0, 1:], methods, strict=True):
        panel.set_title(theme.wrapped(label(method), 14), loc="center")
    return figure


def _target(panel, question, box, grid):
    """The whole image with the true box, and the question below."""
    patches.kept_patches(panel, question.image, np.ones(grid))
    patches.draw_box(panel, box, patches.TRUE_BOX)
    patches.draw_inset(panel, question.image, box)
    panel.set_xlabel(fill(question.text, 18), labelpad=2)


run(make, globals())
