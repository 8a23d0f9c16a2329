"""Measures what the gates of fitness judge: answers and scores of a model on the development split.

All intervals are 95 %, by image.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.evaluation.evaluate import evaluate
from prunescope.evaluation.score_extraction import extract
from prunescope.method_names import BASELINE
from prunescope.methods import Method, named_method
from prunescope.models import family_of
from prunescope.records.store import RecordStore
from prunescope.statistics.accuracy import by_method, estimates
from prunescope.statistics.bootstrap import Bootstrap, ratio, unit_sums
from prunescope.statistics.position import kept, position_bias
from prunescope.statistics.reading import read_scores
from prunescope.tasks.card import Task, read_task
from prunescope.tasks.examples import load_examples
from prunescope.training.target_patches import Choice, Target, answers_from

if TYPE_CHECKING:
    import xarray as xr

SPLIT = "dev"
LOCATE = "locate"
NEEDED = (LOCATE, "exists", "color", "shape", "count")  # tasks of the gates
TEXT_ONLY, ONE_PATCH, TRUE_BOX = "text-only", "one-target-patch", "true-box"
MOVED = ("uniform", "last-quarter")  # methods of the library, put before the layer of the gates
FIXED = (BASELINE, TEXT_ONLY, "position-shuffle")
REMOVED = 0.75  # share of the tokens that a score removes
LAYERS = (1, 2, 3, 8, 16, 24)  # K at which the places of kept tokens are reported
DIFFERENT, OVERLAP = "kept sets, pairs that differ", "kept sets, overlap (Jaccard)"
ROPE = {"rope": "with RoPE", "norope": "without RoPE"}
PLACES = {"mean_row": "mean kept row", "bottom_quarter": "kept tokens in the bottom quarter"}


@dataclass(frozen=True)
class Estimate:
    """A measured value and its interval; NaN where there is none."""

    name: str
    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with null for NaN."""
        value, low, high = map(rounded, (self.value, self.low, self.high))
        return {"name": self.name, "value": value, "interval": [low, high]}


def rounded(value: float) -> float | None:
    """The value with four decimals; None for NaN, which JSON does not have."""
    return None if math.isnan(value) else round(float(value), 4)


def accuracy_of(task: str, method: str) -> str:
    """Name of an accuracy."""
    return f"{task}, {method}"


def share_of(method: str) -> str:
    """Name of a method's accuracy of boxes as a share of the unpruned one."""
    return f"{LOCATE}, {method}, share of {BASELINE}"


@dataclass(frozen=True)
class Extent:
    """How many questions are asked, and at which layer.

    layer: K of all methods that prune, from 1; see `usual_layer`. boxes, others: questions of
    `locate` and of each other task. scored: questions of `locate` whose scores say where kept
    tokens lie.
    """

    layer: int
    boxes: int = 300
    others: int = 100
    scored: int = 120
    batch_size: int = 16

    def __post_init__(self) -> None:
        if self.layer < 1:
            raise InputError(f"layer: must be at least 1, got {self.layer}")

    def questions(self, task: str) -> int:
        """Number of questions of a task."""
        return self.boxes if task == LOCATE else self.others


def usual_layer(checkpoint: Checkpoint) -> int:
    """The layer before which the library's methods prune this model: 3 of 30 or 32, 1 of 12."""
    model = checkpoint.skeleton()
    depth = len(family_of(model).decoder(model).layers)
    return named_method(MOVED[0]).layers(depth)[0]


def read_cards(cards: Iterable[Path | str], protocol: str | None) -> dict[str, Task]:
    """Tasks by name, on the development split, asked as a protocol of their cards says.

    InputError unless the tasks of all gates are among them.
    """
    tasks = {task.name: task for task in map(partial(read_task, protocol=protocol), cards)}
    if missing := [name for name in NEEDED if name not in tasks]:
        raise InputError(f"cards: none of task {missing[0]!r}; the gates need {list(NEEDED)}")
    return {name: task.of_split(SPLIT) for name, task in tasks.items()}


def measured(
    checkpoint: Checkpoint, tasks: Mapping[str, Task], store: RecordStore, extent: Extent
) -> list[Estimate]:
    """Estimates of all gates, and others. tasks: as from `read_cards`."""
    bootstrap = Bootstrap()
    records = answers(checkpoint, tasks, store, extent)
    scores = scores_of(checkpoint, tasks[LOCATE], extent)
    at_layer = scores.sel(layer=extent.layer, variant="rope")
    return [
        *accuracies(records, bootstrap),
        *shares_of_unpruned(by_method(records).loc[LOCATE], bootstrap),
        *kept_set_differences(at_layer, bootstrap),
        *places(scores, bootstrap),
    ]


def answers(
    checkpoint: Checkpoint, tasks: Mapping[str, Task], store: RecordStore, extent: Extent
) -> pd.DataFrame:
    """Records of all tasks: boxes with all methods, the others unpruned and without the image."""
    everywhere = {name: named_method(name) for name in (BASELINE, TEXT_ONLY)}
    tables = []
    for name, task in tasks.items():
        methods = methods_at(extent.layer) if name == LOCATE else everywhere
        limit, size = extent.questions(name), extent.batch_size
        table = evaluate(checkpoint, task, methods, store, batch_size=size, limit=limit)
        tables.append(table.to_pandas())
    return pd.concat([*tables, answers_from_targets(checkpoint, tasks[LOCATE], extent)])


def methods_at(layer: int) -> dict[str, Method]:
    """Methods of the library that boxes are asked with; those that prune do so before `layer`."""
    moved = {
        name: Method([replace(stage, layer=layer) for stage in named_method(name).stages], name)
        for name in MOVED
    }
    return {name: named_method(name) for name in FIXED} | moved


def answers_from_targets(checkpoint: Checkpoint, task: Task, extent: Extent) -> pd.DataFrame:
    """Records of boxes found from one random patch of the target, which is all that any layer
    sees, and from the patches of its box, which alone stay from `extent.layer` on."""
    examples, grid = load_examples(task, extent.boxes), square_grid(checkpoint)
    rows = examples.remove_columns("image").to_list()
    targets = [Target.of(row) for row in rows]
    pairs = zip(targets, rows, strict=True)
    choices = [
        Choice(ONE_PATCH, 0, [target.one(grid, row["id"]) for target, row in pairs]),
        Choice(TRUE_BOX, extent.layer, [target.boxed(grid) for target in targets]),
    ]
    return answers_from(checkpoint, task, examples, choices, extent.batch_size)


def square_grid(checkpoint: Checkpoint) -> int:
    """Rows, and columns, of the visual tokens; InputError unless every image has one square."""
    model = checkpoint.skeleton()
    grid = family_of(model).grid(model)
    if grid is None or grid[0] != grid[1]:
        raise InputError(f"{checkpoint.path}: visual tokens must form one square, got {grid}")
    return grid[0]


def scores_of(checkpoint: Checkpoint, task: Task, extent: Extent) -> "xr.DataArray":
    """Scores of all layers of the first questions of a task."""
    scored = min(extent.scored, extent.questions(task.name))
    with TemporaryDirectory() as folder:
        path = Path(folder, "scores.zarr")
        extract(checkpoint, task, path, extent.batch_size, scored)
        return read_scores([path]).load()


def accuracies(records: pd.DataFrame, bootstrap: Bootstrap) -> list[Estimate]:
    """Accuracy of each method on each task that it answered."""
    table = estimates(by_method(records), None, bootstrap)
    return [
        Estimate(accuracy_of(row.group, row.method), row.value, row.low, row.high)
        for row in table[table["examples"] > 0].itertuples()
    ]


def shares_of_unpruned(scores: pd.DataFrame, bootstrap: Bootstrap) -> list[Estimate]:
    """Accuracy of each method as a share of that without pruning, paired by image.

    scores: a row for each example, whose index has the level `image`, and a column for each method.
    """
    images = scores.index.get_level_values("image").to_numpy()
    shares = []
    for method in scores.columns.drop(BASELINE):
        sums = unit_sums(scores[[method, BASELINE]].to_numpy(), images)
        [estimate] = bootstrap.interval(sums, ratio)
        shares.append(Estimate(share_of(method), *estimate))
    return shares


def kept_set_differences(scores: "xr.DataArray", bootstrap: Bootstrap) -> list[Estimate]:
    """How much the tokens that a score keeps depend on the question: of all pairs of questions
    about one image, the share with different sets, and the mean overlap of the sets (Jaccard).

    scores: (example, row, col) with the coordinate `image`. InputError without such a pair.
    """
    masks = kept(scores, REMOVED).values.reshape(len(scores), -1)
    images = scores["image"].values
    pairs = [(i, j) for i, j in combinations(range(len(images)), 2) if images[i] == images[j]]
    if not pairs:
        raise InputError("scored: no image has two of the questions")
    first, second = np.transpose(pairs)
    shared = (masks[first] & masks[second]).sum(1)
    overlap = shared / (masks[first] | masks[second]).sum(1)
    table = bootstrap.means(np.stack([overlap < 1, overlap], 1).astype(float), images[first])
    rows = zip((DIFFERENT, OVERLAP), table.itertuples(), strict=True)
    return [Estimate(name, row.value, row.low, row.high) for name, row in rows]


def places(scores: "xr.DataArray", bootstrap: Bootstrap) -> list[Estimate]:
    """Mean row of the kept tokens and their share in the bottom quarter, by layer, with and without
    RoPE in the score."""
    layers = [layer for layer in LAYERS if layer in scores["layer"]]
    table = position_bias(scores.sel(layer=layers, variant=[*ROPE]), [REMOVED], bootstrap)
    return [
        Estimate(_place(row), row.value, row.low, row.high)
        for row in table.itertuples()
        if row.variant in ROPE
    ]


def _place(row: Any) -> str:
    return f"{PLACES[row.measure]}, K = {row.layer}, {ROPE[row.variant]}"
