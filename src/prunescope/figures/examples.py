"""Pictures of examples: the question, the kept patches, and the answer."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from prunescope.figures import patches
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import load_examples
from prunescope.tasks.prompts import pictures


class Question(NamedTuple):
    """A question and its image (height, width, 3).

    parse: the function that reads a box from an answer, if the question asks for one.
    """

    text: str
    image: np.ndarray
    parse: Callable[[str], Any] | None


def questions(
    rows: pd.DataFrame, cards: list[Path | str], asking: Mapping[str, Any] | None = None
) -> dict[str, Question]:
    """The question of each example in `rows`, by the example's id.

    rows: columns model, task, example, of one model; cards: task cards of these tasks, or more;
    asking: the study's `data`, and its `protocols` by model.
    """
    [model] = rows["model"].unique()
    asking = asking or {"data": {}, "protocols": {model: None}}
    options = asking["protocols"][model], asking["data"]
    tasks = {task.name: task for task in (read_task(card, *options) for card in cards)}
    by_example = {}
    for name, part in rows.groupby("task"):
        examples, metric = load_examples(tasks[name]), tasks[name].metric
        for example in part["example"].unique():
            row = examples.select([examples["id"].index(example)])
            [image] = pictures(row)
            parse = getattr(metric, "parse", None)
            sized = parse and partial(parse, size=image.size)
            by_example[example] = Question(row["question"][0], np.asarray(image), sized)
    return by_example


def draw_answer(
    axes: Axes, row: Mapping[str, Any], question: Question, grid: tuple[int, int]
) -> None:
    """One record: a veil over removed patches, boxes, a tick or cross, answer and tokens below.

    A patch that only some stages remove has a lighter veil. row: columns kept, prediction,
    target_box, iou, score; grid: (rows, columns) of tokens.
    """
    tokens = grid[0] * grid[1]
    patches.kept_patches(axes, question.image, shares_passed(row["kept"], tokens).reshape(grid))
    answer = row["prediction"]
    if question.parse is not None:
        answer = _draw_boxes(axes, row, question.parse)
    patches.draw_outcome(axes, bool(row["score"]))
    counts = "→".join(str(len(kept)) for kept in row["kept"]) or str(tokens)
    axes.set_xlabel(f"{answer}\n{counts} of {tokens}", labelpad=2)


def shares_passed(stages: list, tokens: int) -> np.ndarray:
    """(tokens,) share of the stages that each token passes; 1 where there is none."""
    passed = np.zeros((len(stages), tokens))
    for stage, kept in zip(passed, stages, strict=True):
        stage[np.asarray(kept, int)] = 1
    return passed.mean(0) if len(stages) else np.ones(tokens)


def _draw_boxes(axes: Axes, row: Mapping[str, Any], parse: Callable[[str], Any]) -> str:
    """Draw the true and the predicted box; their overlap in words."""
    patches.draw_box(axes, row["target_box"], patches.TRUE_BOX)
    predicted = parse(row["prediction"])
    if predicted is None:
        return "no box"
    patches.draw_box(axes, predicted, patches.PREDICTED_BOX, dashed=True)
    return f"IoU {row['iou']:.2f}"
