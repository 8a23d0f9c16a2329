"""Natural wordings: they ask the same, in several ways, and every terse question has some."""

import numpy as np
import pytest

from prunescope.errors import InputError
from prunescope.testbed.dataset import load_questions
from prunescope.testbed.phrasings import NUMBERS, phrase
from prunescope.testbed.questions import ASK, Question
from prunescope.testbed.scenes import make_scene


def questions(task, scenes=40):
    for seed in range(scenes):
        rng = np.random.default_rng(seed)
        if question := ASK[task](make_scene(seed), rng):
            yield question, phrase(question, rng)


@pytest.mark.parametrize("task", ASK)
def test_the_objects_that_a_question_names_stay(task):
    for terse, natural in questions(task):
        for name in set(terse.text.split()) & {"red", "ring", "circle", "cyan", "left", "above"}:
            assert name in natural.text
        assert natural.text[0].isupper() and natural.text[-1] in "?."


@pytest.mark.parametrize("task", ASK)
def test_several_wordings_are_drawn_and_answers_stay(task):
    pairs = list(questions(task, 80))
    assert len({natural.text.split()[0] for _, natural in pairs}) >= 2
    for terse, natural in pairs:
        expected = NUMBERS[int(terse.answer)] if task == "count" else terse.answer
        assert natural.answer == expected and natural.box == terse.box


def test_plurals():
    rng = np.random.default_rng(0)
    assert "crosses" in phrase(Question("count", "", "how many cross things", "2"), rng).text
    assert "rings" in phrase(Question("count", "", "how many ring things", "2"), rng).text
    assert "red things" in phrase(Question("count", "", "how many red things", "2"), rng).text


def test_the_frozen_set_has_both_wordings_of_the_same_questions():
    terse, natural = (load_questions("dev", "exists", wording) for wording in ("terse", "natural"))
    assert terse["id"] == natural["id"] and terse["answer"] == natural["answer"]
    assert not set(terse["question"]) & set(natural["question"])


def test_an_unknown_wording():
    with pytest.raises(InputError, match=r"wording 'rude' is not one of \['terse', 'natural'\]"):
        load_questions("dev", "exists", "rude")
