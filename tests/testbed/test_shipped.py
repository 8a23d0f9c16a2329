"""The weights in data/testbed: what the card says they are, and able to see."""

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText

from prunescope.checkpoint import Checkpoint
from prunescope.decoding import greedy
from prunescope.models import family_of
from prunescope.tasks import load, prompts, read_task

ROOT = Path(__file__).parents[2]
TESTBEDS = ROOT / "data" / "testbed"
QUESTIONS = 60
every = pytest.mark.parametrize("positions", ["rope", "none"])


@cache
def loaded(positions):
    return Checkpoint(positions, TESTBEDS / positions).load()


@every
def test_the_card_tells_these_weights(positions):
    folder = TESTBEDS / positions
    assert Checkpoint(positions, folder).weights in (folder / "README.md").read_text()
    assert (folder / "model.safetensors").stat().st_size <= 10e6


@every
def test_it_is_a_stock_llava_of_the_promised_shape(positions):
    model = AutoModelForImageTextToText.from_pretrained(TESTBEDS / positions)
    family = family_of(model)
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    assert model.dtype == torch.float32
    assert family.grid(model) == (12, 12)
    assert len(family.decoder(model).layers) == 12
    assert 3e6 <= sum(p.numel() for p in model.parameters()) <= 6e6


def test_the_testbeds_share_their_tower():
    one, other = (loaded(each)[0].model.vision_tower.state_dict() for each in ("rope", "none"))
    assert all(torch.equal(weights, other[name]) for name, weights in one.items())


@every
@pytest.mark.parametrize("name", ["locate", "exists", "count", "color", "shape", "background"])
def test_it_answers_like_its_card(name, positions):
    """Within four standard errors of the card's accuracy on a part of the test split."""
    model, processor = loaded(positions)
    task = read_task(ROOT / "data" / "tasks" / f"{name}.yaml")
    examples = load(task, limit=QUESTIONS)
    with torch.inference_mode():
        tokens = greedy(model, prompts(examples, task, processor), task.max_new_tokens)
    answers = processor.batch_decode(tokens, skip_special_tokens=True)
    right = [
        task.metric.judge(said.strip(), example).score
        for said, example in zip(answers, examples.remove_columns("image"), strict=True)
    ]
    card = (TESTBEDS / positions / "README.md").read_text()
    said = float(re.search(rf"^\| {name} \| ([0-9.]+) \|", card, re.M).group(1))
    margin = 4 * (said * (1 - said) / QUESTIONS) ** 0.5 + 1 / QUESTIONS
    assert abs(sum(right) / QUESTIONS - said) <= margin
