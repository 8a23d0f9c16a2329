"""What each method keeps of the same images, with the true box.

Questions for a box, drawn at random by a seed from those that the unpruned model gets right; a row
of pictures for each question and block of methods (figures 3a and A2 to A4 of FEATHER). Patches
whose visual token is removed are faded, those that a later stage removes in part; green is the true
box, magenta dashed the predicted one. Look at whether what is left follows the object, the grid or
the bottom of the image. The table beside the figure has all records that are shown. A few images
prove nothing; the other figures count.
"""

from prunescope.jobs import run

from textwrap import fill

import numpy as np

from prunescope.errors import InputError
from prunescope.figures import tables, theme
from prunescope.figures.examples import asked, draw_answer
from prunescope.method_names import BASELINE
from prunescope.statistics.by_method import check_methods, present
from prunescope.statistics.reading import read_records, read_scores

COLUMNS = ["score", "iou", "prediction", "target_box", "kept"]


def make(records, attention, cards, png, svg, csv, blocks, examples=2, asking=None, seed=0):
    """blocks: lists of methods, a row each; attention: for the grid; cards: of all tasks."""
    paths, scores = records, read_scores(attention)
    records = read_records(paths, ["score", "target_box"])
    check_methods(records, [BASELINE])
    methods = present(records, list(dict.fromkeys(m for block in blocks for m in block)))
    blocks = [kept for block in blocks if (kept := [m for m in block if m in methods])]
    chosen = choose(records, examples, seed)
    rows = read_records(paths, COLUMNS, examples=chosen)
    rows = rows[rows["method"].isin(methods)]
    questions = asked(rows, cards, asking)
    tables.write(rows.drop(columns="kept"), csv)
    grid = scores.sizes["row"], scores.sizes["col"]
    theme.save(draw(rows, chosen, blocks, questions, grid), png, svg)


def choose(records, count, seed):
    """Ids of `count` random questions with a true box that the unpruned model gets right."""
    right = (records["method"] == BASELINE) & (records["score"] > 0)
    found = sorted(records[right & (records["target_box"].map(len) == 4)]["example"])
    if len(found) < count:
        raise InputError(f"examples: asked for {count}, the unpruned model has {len(found)} right")
    return list(np.random.default_rng(seed).choice(found, count, replace=False))


def draw(rows, chosen, blocks, questions, grid):
    lines = [(example, block) for example in chosen for block in blocks]
    columns = max(map(len, blocks))
    size = 0.4 + 1.55 * columns, 2.05 * len(lines)
    figure, axes = theme.canvas(len(lines), columns, size)
    figure.get_layout_engine().set(h_pad=0.08)
    rows = rows.set_index(["example", "method"])
    for line, (example, block) in zip(axes, lines, strict=True):
        text, image, parse = questions[example]
        line[0].set_ylabel(fill(text, 24), fontsize=8)
        for panel, method in zip(line, block, strict=False):
            draw_answer(panel, rows.loc[(example, method)], image, parse, grid)
            panel.set_title(theme.style(method).label.replace(", ", "\n", 1), fontsize=8)
        for panel in line[len(block) :]:
            panel.set_visible(False)
    return figure


run(make, globals())
