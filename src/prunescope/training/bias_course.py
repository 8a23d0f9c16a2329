"""The positional bias in the course of training: scores of a reader at its milestones."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from prunescope.criteria.attention import VARIANTS
from prunescope.models import Layout
from prunescope.scores import record_scores
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import position_bias
from prunescope.statistics.sequence_shares import share_bias
from prunescope.testbed.phrasings import phrase
from prunescope.testbed.questions import ASK
from prunescope.testbed.scenes import SPLITS, Scene, make_scene
from prunescope.training.optimisation import load_parameters, milestone
from prunescope.training.question_rows import prompt
from prunescope.training.reading import Reader, ideal_stage

REMOVE = 0.75
See = Callable[[Sequence[Scene]], Tensor]  # scenes -> visual tokens (batch, patches, width)


def bias_course(
    milestones: Mapping[int, Callable[[], tuple[Reader, See]]], scenes: int, bootstrap: Bootstrap
) -> pd.DataFrame:
    """Where the tokens lie that the score keeps (R = 0.75), before every layer at every milestone.

    milestones: by the number of images seen, what gives the reader and its sight then. scenes: of
    the development split, one question each. Columns: images, then those of `position_bias` and of
    `share_bias` with `measure` ("mean_row", "last sequence" and so on) and its interval.
    """
    drawn = [make_scene(seed) for seed in SPLITS["dev"][:scenes]]
    tables = []
    for images, load in milestones.items():
        scores = _labelled(scene_scores(*load(), drawn), drawn)
        tables += [table.assign(images=images) for table in _measures(scores, bootstrap)]
    columns = ["images", "layer", "variant", "measure", "value", "low", "high", "examples"]
    return pd.concat(tables)[columns]


@torch.inference_mode()
def scene_scores(reader: Reader, see: See, scenes: Sequence[Scene]) -> np.ndarray:
    """Scores (scenes, layers, variants, patches) of one question about each scene."""
    reader = reader.float().eval()
    start = reader.words[reader.tokenizer.bos_token_id][None, None]
    rows = []
    for number, scene in enumerate(scenes):
        visual = see([scene]).float()
        question = reader.embed(torch.tensor([reader.encode(prompt(_question(scene, number)))]))
        inputs = {"inputs_embeds": torch.cat([start, visual, question], 1)}
        rows.append(record_scores(reader.decoder.model, inputs, _layout(inputs, visual)))
    return torch.cat(rows).numpy()


def _question(scene: Scene, number: int) -> str:
    """A question of any task that can be asked about the scene."""
    rng = np.random.default_rng((scene.seed, 4))
    tasks = list(ASK.values())
    asked = (ask(scene, rng) for ask in tasks[number % len(tasks) :] + tasks)
    return phrase(next(question for question in asked if question), rng).text


def _layout(inputs: Mapping[str, Tensor], visual: Tensor) -> Layout:
    patches = visual.shape[1]
    mask = torch.zeros(1, inputs["inputs_embeds"].shape[1], dtype=torch.bool)
    mask[:, 1 : 1 + patches] = True
    side = round(patches**0.5)
    return Layout(mask, (side, side))


def _labelled(scores: np.ndarray, scenes: Sequence[Scene]) -> xr.DataArray:
    side = round(scores.shape[-1] ** 0.5)
    ids = [str(scene.seed) for scene in scenes]
    coords = {"example": ids, "layer": range(1, scores.shape[1] + 1), "variant": list(VARIANTS)}
    grid = scores.reshape(*scores.shape[:-1], side, side)
    array = xr.DataArray(grid, coords, ("example", "layer", "variant", "row", "col"))
    return array.assign_coords(image=("example", ids))


def _measures(scores: xr.DataArray, bootstrap: Bootstrap) -> list[pd.DataFrame]:
    places = position_bias(scores, [REMOVE], bootstrap)
    shares = share_bias(scores, [REMOVE], bootstrap)
    return [places, shares.assign(measure=shares["part"] + " of " + shares["axis"])]


def write_course(table: pd.DataFrame, path: Path | str) -> None:
    """Write the table with four decimals."""
    table.to_csv(path, index=False, float_format="%.4f")


def loaders(
    decoder: Path | str,
    rank: int,
    sight: See,
    recipes: Mapping[str, Mapping[str, Any]],
    unfinished: Mapping[str, Path],
    ideal: Path | str,
    reading: Path | str,
) -> dict[int, Callable[[], tuple[Reader, See]]]:
    """What `bias_course` takes, of the stages `ideal` and `reading`.

    recipes, unfinished: numbers and checkpoints of stages by name. ideal, reading: their results.
    """
    first, second = recipes["ideal"], recipes["reading"]
    found = {
        step * first["batch"]: partial(at_ideal, decoder, rank, file)
        for step, file in milestones(unfinished["ideal"], first)
    }
    files = [*milestones(unfinished["reading"], second), (second["steps"], Path(reading))]
    seen = images_seen(ideal, first["batch"])
    return found | {
        seen + step * second["batch"]: partial(at_reading, decoder, rank, sight, file)
        for step, file in files
    }


def milestones(checkpoint: Path, recipe: Mapping[str, Any]) -> list[tuple[int, Path]]:
    """Steps and files of a stage's milestones, as far as they are there: a stage that was not run
    here has none."""
    files = [(step, milestone(checkpoint, step)) for step in recipe["milestones"]]
    return [(step, file) for step, file in files if file.is_file()]


def images_seen(ideal: Path | str, batch: int) -> int:
    """Images that the reader has seen in a checkpoint of stage `ideal`, or in one that
    `restoring` made of weights that were trained further."""
    state = torch.load(ideal, weights_only=True)
    return state["images"] if "images" in state else state["step"] * batch


def continued(earlier: Path, course: pd.DataFrame) -> pd.DataFrame:
    """A course after the part of an earlier one, if there is a file, that it does not measure."""
    if not earlier.is_file():
        return course
    table = pd.read_csv(earlier)
    return pd.concat([table[table["images"] < course["images"].min()], course])


def at_ideal(decoder: Path | str, rank: int, weights: Path) -> tuple[Reader, See]:
    """The reader after a step of the first stage, and its ideal tokens."""
    stage = ideal_stage(Reader.of(decoder, rank))
    load_parameters(stage, weights)
    return stage["reader"], stage["tokens"]


def at_reading(decoder: Path | str, rank: int, sight: See, weights: Path) -> tuple[Reader, See]:
    """The reader after a step of the second stage, behind the frozen tower."""
    reader = Reader.of(decoder, rank)
    load_parameters(reader, weights)
    return reader, sight
