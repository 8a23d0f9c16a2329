"""Patches of the target of a question about a generated scene, and answers from these alone.

The questions of the benchmark name their scene and the target's box, so that the patches that show
the target itself are known, not only those in its box.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.criteria.replay import Replay
from prunescope.criteria.seeding import generator
from prunescope.errors import InputError
from prunescope.evaluation.answerer import Answerer
from prunescope.evaluation.out_of_memory import Portions
from prunescope.methods import Method, Stage
from prunescope.tasks import prompts
from prunescope.tasks.card import Task
from prunescope.testbed.scenes import SIDE, Scene, make_scene
from prunescope.training.patch_labels import shown_objects

if TYPE_CHECKING:
    from datasets import Dataset

TOLERANCE = 1e-5  # of the fractions of a box, which are stored as float32


@dataclass(frozen=True)
class Target:
    """An object of a scene. number: its index among the scene's objects."""

    scene: Scene
    number: int

    @classmethod
    def of(cls, example: Mapping[str, Any]) -> "Target":
        """Target of an example of the benchmark; InputError for an image of another origin, or a
        box that no object of the scene has."""
        split, _, seed = example["image_id"].partition("-")
        if not seed.isdecimal():
            raise InputError(f"image_id: {example['image_id']!r} is not a scene, such as 'dev-17'")
        scene = make_scene(int(seed))
        for number, item in enumerate(scene.objects):
            if np.allclose(item.box, example["box"], rtol=0, atol=TOLERANCE):
                return cls(scene, number)
        raise InputError(f"{example['id']}: box: no object of {split}-{seed} lies in it")

    def shown(self, grid: int) -> np.ndarray:
        """Indices of the patches that show the object, on grid x grid patches, row by row."""
        return np.flatnonzero(shown_objects(self.scene, grid) == self.number)

    def boxed(self, grid: int) -> np.ndarray:
        """Indices of the patches that the object's box touches."""
        item, patch = self.scene.objects[self.number], SIDE // grid
        columns, rows = (
            np.arange(first // patch, (first + item.size - 1) // patch + 1)
            for first in (item.left, item.top)
        )
        return (rows[:, None] * grid + columns).ravel()

    def one(self, grid: int, example: str) -> np.ndarray:
        """One of the patches that show the object, drawn at random for each id of an example."""
        shown = self.shown(grid)
        drawn = torch.randint(len(shown), (), generator=generator(0, example.encode()))
        return shown[[int(drawn)]]


@dataclass(frozen=True)
class Choice:
    """Tokens that alone stay from a layer on. patches: raster indices, for each example."""

    name: str
    layer: int
    patches: Sequence[np.ndarray]

    @property
    def method(self) -> Method:
        """The method that replays these tokens."""
        return Method([Stage(self.layer, Replay(self.name))], self.name)


def answers_from(
    checkpoint: Checkpoint,
    task: Task,
    examples: "Dataset",
    choices: Sequence[Choice],
    batch_size: int,
) -> pd.DataFrame:
    """Records of the examples, answered from each of the given choices of tokens."""
    answerer = Answerer(checkpoint.name, task, checkpoint.load())
    for choice in choices:
        answerer.side.remember(choice.name, examples["id"][:], choice.patches)
    portions, records = Portions(answerer.run, batch_size), []
    methods = [choice.method for choice in choices]
    for batch in prompts.batches(examples, task, answerer.loaded.processor, batch_size):
        for _, answers in portions.of(batch, methods):
            records += answers
    return pd.DataFrame(records)
