"""One image, two questions: the answer survives the pruning, the box does not.

Figure 1 of FEATHER. Above a localization question, below another question about the same image; one
column for each method. Patches whose visual token is removed are faded, those that a later stage
removes half. Green is the true box, magenta dashed the predicted one. The image is drawn at random,
by a seed, from those where the named method answers the second question right and misses the box,
while the unpruned model has both right; how many there are stands above. One image proves nothing;
the other figures count.
"""

from prunescope.jobs import run

from textwrap import fill
from typing import NamedTuple

import numpy as np

from prunescope.errors import InputError
from prunescope.figures import tables, theme
from prunescope.figures.examples import asked, draw_answer
from prunescope.method_names import BASELINE
from prunescope.statistics.by_method import check_methods, present
from prunescope.statistics.reading import localization_tasks, read_records, read_scores

COLUMNS = ["score", "iou", "prediction", "target", "target_box", "kept"]


class Choice(NamedTuple):
    """A localization and another example of one image, and how they were chosen."""

    located: str
    answered: str
    why: str


def make(
    records, attention, cards, png, svg, csv, methods=(), fails="", asking=None, seed=0
):  # fmt: skip
    """cards: of all tasks; methods: columns after the unpruned model, all by default; fails: the
    method whose failure is shown, the first of them by default; attention: for the grid."""
    paths, scores = records, read_scores(attention)
    records = read_records(paths, ["score", "target_box"])
    check_methods(records, [BASELINE])
    pruned = present(records, [m for m in methods or records["method"].unique() if m != BASELINE])
    choice = choose(records, fails or pruned[0], seed)
    chosen = read_records(paths, COLUMNS, examples=choice[:2])
    shown, rows = of_both(chosen, choice, [BASELINE, *pruned])
    questions = asked(rows, cards, asking)
    tables.write(
        rows.drop(columns="kept").assign(question=[questions[e].text for e in rows["example"]]), csv
    )
    grid = scores.sizes["row"], scores.sizes["col"]
    theme.save(draw(rows, choice, shown, questions, grid), png, svg)


def choose(records, fails, seed):
    """A random image where the method `fails` has only the answer right and the unpruned model
    both; failing that, where the unpruned model has both; failing that, any."""
    if fails not in set(records["method"]):
        raise InputError(
            f"fails: unknown method {fails!r}; records have {sorted(records['method'].unique())}"
        )
    right = records.pivot(index=["image", "task", "example"], columns="method", values="score") > 0
    right = right[[BASELINE, fails]].set_axis(["unpruned", "pruned"], axis=1).reset_index()
    boxed = right["task"].isin(localization_tasks(records))
    pairs = right[boxed].merge(right[~boxed], on="image", suffixes=("_box", "_answer"))
    both = pairs["unpruned_box"] & pairs["unpruned_answer"]
    label = theme.style(fails).label
    stories = {
        f"where {label} has the answer and not the box": both
        & pairs["pruned_answer"]
        & ~pairs["pruned_box"],
        "where the unpruned model has both right": both,
        "with both kinds of question": both | True,
    }
    for story, found in stories.items():
        if found.any():
            pick = pairs[found].sort_values(["example_box", "example_answer"])
            row = pick.iloc[np.random.default_rng(seed).integers(len(pick))]
            why = f"One of {len(pick)} pairs of questions {story}"
            return Choice(row["example_box"], row["example_answer"], why)
    raise InputError("records: no image has both a localization and another question")


def of_both(records, choice, methods):
    """Those of the methods that have answered both questions (one that needs a true box has not),
    and their records of them."""
    rows = records[records["example"].isin(choice[:2])]
    counts = rows["method"].value_counts()
    shown = [method for method in methods if counts.get(method) == 2]
    return shown, rows[rows["method"].isin(shown)]


def draw(rows, choice, methods, questions, grid):
    """rows: records of the two examples; questions: example -> (question, image, box parser)."""
    figure, axes = theme.canvas(2, len(methods), (0.5 + 1.55 * len(methods), 4.1))
    rows = rows.set_index(["example", "method"])
    for line, example in zip(axes, choice[:2], strict=True):
        text, image, parse = questions[example]
        line[0].set_ylabel(fill(text, 28), fontsize=8)
        for panel, method in zip(line, methods, strict=True):
            draw_answer(panel, rows.loc[(example, method)], image, parse, grid)
            if example == choice.located:
                panel.set_title(theme.style(method).label.replace(", ", "\n", 1))
    figure.suptitle(choice.why, fontsize=9)
    return figure


run(make, globals())
