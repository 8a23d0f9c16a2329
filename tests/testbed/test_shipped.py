"""Weights in data/testbed: they are those of their cards, and as accurate."""

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText

from helpers.tiny_llava import greedy
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.models import family_of
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import load_examples
from prunescope.tasks.prompts import prompts

ROOT = Path(__file__).parents[2]
TESTBEDS = ROOT / "data" / "testbed"
QUESTIONS = 40
NAMES = sorted(weights.parent.name for weights in TESTBEDS.glob("*/model.safetensors"))
every = pytest.mark.parametrize("name", NAMES)


@cache
def loaded(name):
    return Checkpoint(name, TESTBEDS / name).load()


@every
def test_the_card_tells_these_weights(name):
    folder = TESTBEDS / name
    assert Checkpoint(name, folder).weights in (folder / "README.md").read_text()
    assert (folder / "model.safetensors").stat().st_size <= 10e6


@every
def test_it_is_a_stock_llava_of_the_promised_shape(name):
    model = AutoModelForImageTextToText.from_pretrained(TESTBEDS / name)
    family = family_of(model)
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    assert model.dtype == torch.float32
    assert family.grid(model) == (12, 12)
    assert len(family.decoder(model).layers) == 12
    assert 3e6 <= sum(p.numel() for p in model.parameters()) <= 6e6


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("rope", "swin")])
def test_testbeds_that_differ_in_positions_share_their_tower(name):
    one, other = (
        loaded(testbed).model.model.vision_tower.state_dict() for testbed in ("rope", name)
    )
    assert all(torch.equal(weights, other[part]) for part, weights in one.items())


@cache
def drawn(task):
    card = read_task(ROOT / "data" / "tasks" / f"{task}.yaml")
    return card, load_examples(card, limit=QUESTIONS)


@every
@pytest.mark.parametrize("task", ["locate", "exists", "count", "color", "shape", "background"])
def test_it_answers_like_its_card(name, task):
    """Within four standard errors of the card's accuracy on a part of the test split."""
    model, processor = loaded(name).model, loaded(name).processor
    task, examples = drawn(task)
    with torch.inference_mode():
        tokens = greedy(model, prompts(examples, task, processor), task.max_new_tokens)
    answers = processor.batch_decode(tokens, skip_special_tokens=True)
    right = [
        task.metric.judge(answer.strip(), example).score
        for answer, example in zip(answers, examples.remove_columns("image"), strict=True)
    ]
    card = (TESTBEDS / name / "README.md").read_text()
    accuracy = float(re.search(rf"^\| {task.name} \| ([0-9.]+) \|", card, re.M).group(1))
    margin = 4 * (accuracy * (1 - accuracy) / QUESTIONS) ** 0.5 + 1 / QUESTIONS
    assert abs(sum(right) / QUESTIONS - accuracy) <= margin
