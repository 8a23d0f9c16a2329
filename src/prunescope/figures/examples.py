"""Examples as pictures: what was asked, what a method kept of the image, what it answered."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from prunescope.figures import theme
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import load_examples
from prunescope.tasks.prompts import pictures


class Asked(NamedTuple):
    """A question, its image (height, width, 3) and what reads a box from an answer, if any."""

    text: str
    image: np.ndarray
    parse: Callable[[str], Any] | None


def asked(
    rows: pd.DataFrame, cards: list[Path | str], asking: Mapping[str, Any] | None = None
) -> dict[str, Asked]:
    """By example, what was asked in `rows` (columns model, task, example; of one model) of tasks
    that have cards. asking: the study's `data`, and its `protocols` by model."""
    [model] = rows["model"].unique()
    asking = asking or {"data": {}, "protocols": {model: None}}
    how = asking["protocols"][model], asking["data"]
    tasks = {task.name: task for task in (read_task(card, *how) for card in cards)}
    found = {}
    for name, part in rows.groupby("task"):
        examples, metric = load_examples(tasks[name]), tasks[name].metric
        for example in part["example"].unique():
            row = examples.select([examples["id"].index(example)])
            [image] = pictures(row)
            parse = getattr(metric, "parse", None)
            sized = parse and partial(parse, size=image.size)
            found[example] = Asked(row["question"][0], np.asarray(image), sized)
    return found


def draw_answer(
    axes: Axes, row: Mapping[str, Any], image: np.ndarray, parse: Any, grid: tuple[int, int]
) -> None:
    """Patches that are left, boxes and the outcome, of one record. A patch that passes only some of
    the stages is faded in part.

    row: columns kept, prediction, target_box, iou, score; grid: (rows, columns) of tokens.
    """
    passed = np.full((max(len(row["kept"]), 1), grid[0] * grid[1]), not len(row["kept"]))
    for stage, kept in zip(passed, row["kept"], strict=False):
        stage[np.asarray(kept, int)] = True
    theme.kept_patches(axes, image, passed.mean(0).reshape(grid))
    if parse is None:
        outcome = row["prediction"]
    else:
        theme.draw_box(axes, row["target_box"], theme.TRUE_BOX)
        predicted = parse(row["prediction"])
        if predicted is not None:
            theme.draw_box(axes, predicted, theme.PREDICTED_BOX, dashed=True)
        outcome = "no box" if predicted is None else f"IoU {row['iou']:.2f}"
    axes.set_xlabel(f"{outcome} ({'right' if row['score'] else 'wrong'})", fontsize=8)
