"""One image, two questions: what methods keep of it, and what they answer.

Each pair of rows is one image, with a localization question above another question. Removed patches
lie under a dark veil, lighter if a later stage removes them. Green: true box, enlarged in the
corner; magenta, dashed: predicted box. Below: answer, and tokens kept of all. Images are drawn at
random by the rule in the title. Compare figure 1 of FEATHER.
"""

from prunescope.jobs import run

from textwrap import fill
from typing import NamedTuple

import numpy as np

from prunescope.errors import InputError
from prunescope.figures import patches, tables, theme
from prunescope.figures.examples import draw_answer, questions
from prunescope.method_names import BASELINE, label
from prunescope.statistics.by_method import check_methods, present
from prunescope.statistics.reading import localization_tasks, read_records, read_scores

COLUMNS = ["score", "iou", "prediction", "target", "target_box", "kept"]


class Choice(NamedTuple):
    """Examples that are shown, a localization before another question of its image, and why."""

    examples: list[str]
    why: str


def make(
    records, attention, cards, png, svg, pdf, csv, methods=(), fails="", images=2, asking=None,
    seed=0,
):  # fmt: skip
    """cards: of all tasks; methods: columns after the unpruned model, all by default; fails: the
    method whose failure is shown, the first of them by default; attention: for the grid."""
    paths, scores = records, read_scores(attention)
    records = read_records(paths, ["score", "target_box"])
    check_methods(records, [BASELINE])
    pruned = present(records, [m for m in methods or records["method"].unique() if m != BASELINE])
    choice = choose(records, fails or pruned[0], images, seed)
    answers = read_records(paths, COLUMNS, examples=choice.examples)
    shown, rows = answered_all(answers, choice, [BASELINE, *pruned])
    asked = questions(rows, cards, asking)
    texts = [asked[example].text for example in rows["example"]]
    tables.write(rows.drop(columns="kept").assign(question=texts), csv)
    grid = scores.sizes["row"], scores.sizes["col"]
    theme.save(draw(rows, choice, shown, asked, grid), png, svg, pdf)


def choose(records, fails, images, seed):
    """Random images where the method `fails` has only the other answer right and the unpruned model
    both; failing that, where the unpruned model has both; failing that, any."""
    if fails not in set(records["method"]):
        known = sorted(records["method"].unique())
        raise InputError(f"fails: unknown method {fails!r}; records have {known}")
    right = records.pivot(index=["image", "task", "example"], columns="method", values="score") > 0
    right = right[[BASELINE, fails]].set_axis(["unpruned", "pruned"], axis=1).reset_index()
    boxed = right["task"].isin(localization_tasks(records))
    pairs = right[boxed].merge(right[~boxed], on="image", suffixes=("_box", "_answer"))
    both = pairs["unpruned_box"] & pairs["unpruned_answer"]
    story = f"where {label(fails)} has the answer and not the box"
    stories = {
        story: both & pairs["pruned_answer"] & ~pairs["pruned_box"],
        "where the unpruned model has both right": both,
        "with both kinds of question": both | True,
    }
    for story, fitting in stories.items():
        if fitting.any():
            examples = _draw_lots(pairs[fitting], images, seed)
            pairs_shown = f"{len(examples) // 2} of {fitting.sum()} pairs of questions"
            return Choice(examples, f"{pairs_shown} (of {len(pairs)} in all) {story}")
    raise InputError("records: no image has both a localization and another question")


def _draw_lots(pairs, images, seed):
    """Examples of a random pair of questions of each of at most `images` random images."""
    lots, examples = np.random.default_rng(seed), []
    pairs = pairs.sort_values(["example_box", "example_answer"])
    while len(pairs) and len(examples) < 2 * images:
        pair = pairs.iloc[lots.integers(len(pairs))]
        examples += [pair["example_box"], pair["example_answer"]]
        pairs = pairs[pairs["image"] != pair["image"]]
    return examples


def answered_all(records, choice, methods):
    """The methods that have answered all chosen examples, and their records of them; a method that
    needs a true box answers localization only."""
    rows = records[records["example"].isin(choice.examples)]
    counts = rows["method"].value_counts()
    shown = [method for method in methods if counts.get(method) == len(choice.examples)]
    return shown, rows[rows["method"].isin(shown)]


def draw(rows, choice, methods, asked, grid):
    """rows: records of the chosen examples; asked: example -> `Question`."""
    lines = len(choice.examples)
    size = theme.PAGE, 0.7 + lines * (0.3 + 5.9 / len(methods))
    figure, axes = theme.canvas(lines, len(methods), size)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03, wspace=0, hspace=0)
    rows = rows.set_index(["example", "method"])
    for line, example in zip(axes, choice.examples, strict=True):
        question = asked[example]
        line[0].set_ylabel(fill(question.text, 18))
        for panel, method in zip(line, methods, strict=True):
            draw_answer(panel, rows.loc[(example, method)], question, grid)
        target = rows.loc[(example, methods[0]), "target_box"]
        if len(target):
            patches.draw_inset(line[0], question.image, target)
    for panel, method in zip(axes[0], methods, strict=True):
        panel.set_title(theme.wrapped(label(method), 16), loc="center")
    theme.headline(figure, choice.why)
    return figure


run(make, globals())
