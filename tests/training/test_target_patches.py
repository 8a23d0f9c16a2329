"""Patches of a target are those that show it; answers come from these patches alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.testbed_model import random_examples, save_model
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.criteria.replay import Replay
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.pruning import prune
from prunescope.tasks.card import read_task
from prunescope.testbed.scenes import SIDE, make_scene
from prunescope.training.target_patches import Choice, Target, answers_from

CARDS = Path(__file__).parents[2] / "data" / "tasks"
GRIDS = pytest.mark.parametrize("grid", [12, 24])


def targets():
    for seed in range(30):
        scene = make_scene(seed)
        yield from (Target(scene, number) for number in range(len(scene.objects)))


def cells(patches, grid):
    """(SIDE, SIDE) True at the pixels of the patches."""
    shown = np.zeros(grid**2, bool)
    shown[patches] = True
    return shown.reshape(grid, grid).repeat(SIDE // grid, 0).repeat(SIDE // grid, 1)


def test_the_target_is_the_object_with_the_box():
    for target in targets():
        item = target.scene.objects[target.number]
        stored = np.array(item.box, np.float32).tolist()
        example = {"id": "a", "image_id": f"dev-{target.scene.seed}", "box": stored}
        assert Target.of(example) == target


@pytest.mark.parametrize(
    ("image", "box", "message"),
    [
        ("sha256-0f", [0.1, 0.1, 0.2, 0.2], r"image_id: 'sha256-0f' is not a scene"),
        ("dev-7", [0.0, 0.0, 1.0, 1.0], r"q: box: no object of dev-7 lies in it"),
    ],
)
def test_questions_of_other_origin_are_refused(image, box, message):
    with pytest.raises(InputError, match=message):
        Target.of({"id": "q", "image_id": image, "box": box})


@GRIDS
def test_patches_of_the_box_are_the_fewest_that_cover_it(grid):
    for target in targets():
        item = target.scene.objects[target.number]
        box = np.zeros((SIDE, SIDE), bool)
        box[item.top : item.top + item.size, item.left : item.left + item.size] = True
        patches = target.boxed(grid)
        assert cells(patches, grid)[box].all()
        assert all((cells([patch], grid) & box).any() for patch in patches)


@GRIDS
def test_patches_that_show_the_target_lie_in_its_box_and_have_its_pixels(grid):
    for target in targets():
        shown, owner = target.shown(grid), target.scene.owner
        assert len(shown) and set(shown) <= set(target.boxed(grid))
        for patch in shown:
            assert (owner[cells([patch], grid)] == target.number).mean() >= 0.08


def test_one_patch_is_drawn_for_each_example():
    drawn = set()
    for target in list(targets())[:20]:
        [patch] = target.one(12, "first")
        assert patch in target.shown(12) and target.one(12, "first") == [patch]
        drawn.add(len({int(target.one(12, f"q{i}")[0]) for i in range(10)}) > 1)
    assert drawn == {True}


def test_answers_are_those_of_prune_with_the_same_tokens(tmp_path):
    checkpoint = Checkpoint("tiny", save_model(tmp_path))
    task = replace(read_task(CARDS / "locate.yaml"), max_new_tokens=2)
    examples = random_examples(6)
    kept = [np.array([row, 20 + row, 35]) for row in range(6)]
    choices = [Choice("early", 0, kept), Choice("late", 3, kept[::-1])]
    records = answers_from(checkpoint, task, examples, choices, batch_size=4)
    assert len(records) == 12 and set(records["task"]) == {"locate"}
    loaded = checkpoint.load()
    for record in records.itertuples():
        row = examples["id"].index(record.example)
        layer, tokens = (0, kept[row]) if record.method == "early" else (3, kept[::-1][row])
        assert record.kept == [tokens.tolist()] and record.stage_layers == [layer]
        inputs = loaded.processor(
            images=examples[row]["image"], text=task.ask(examples[row]), return_tensors="pt"
        )
        method = Method([Stage(layer, Replay("x"))])
        with torch.inference_mode(), prune(loaded.model, method, kept=[torch.tensor(tokens)]):
            answer = loaded.model.generate(**inputs, max_new_tokens=2, do_sample=False)
        text = loaded.processor.decode(
            answer[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
        assert record.prediction == text.strip()
    answers = records.groupby("method")["prediction"].agg(list)
    assert answers["early"] != answers["late"]  # else equality would say little
