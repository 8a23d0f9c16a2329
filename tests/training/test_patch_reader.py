"""The reader guesses sides of an object from one patch, and nothing beside that patch."""

from dataclasses import replace

import numpy as np
import pytest

from prunescope.testbed.scenes import make_scene
from prunescope.training.patch_reader import train_reader
from prunescope.training.ridge import Ridge
from prunescope.training.visual_tokens import label_tokens

GRID, IMAGES = 12, 120


@pytest.fixture(scope="module")
def reader():
    return train_reader(GRID, scenes=400, per_scene=40, epochs=4)


@pytest.fixture(scope="module")
def tokens():
    """All patches of other scenes."""
    scenes = [make_scene(seed) for seed in range(IMAGES)]
    patches = np.tile(np.arange(GRID**2), (IMAGES, 1))
    return label_tokens(scenes, GRID, patches, np.zeros((patches.size, 0), np.float32))


def test_a_patch_tells_more_than_its_place(reader, tokens):
    shown = tokens.take(tokens.on_object)
    boxes = np.array([item.box for item in shown.objects])
    guessed = reader.guess(tokens)[tokens.on_object]
    for side in range(4):
        elsewhere = ~shown.cut_by(side + 2)
        truth, places = boxes[elsewhere][:, [side]], shown.places[elsewhere]
        # The line is fitted to these very tokens, which favours the place.
        by_place = Ridge(places, np.arange(len(places)) % 5 == 0).fit(truth).predict(places)
        errors = np.square(truth - guessed[elsewhere][:, [side]]).sum()
        assert errors < 0.85 * np.square(truth - by_place).sum()


def test_sides_that_cut_the_patch_are_known(reader, tokens):
    shown = tokens.take(tokens.on_object)
    boxes, guessed = np.array([item.box for item in shown.objects]), reader.guess(shown)
    for side in range(4):
        rows = shown.cut_by(side + 2)
        assert np.abs(boxes - guessed)[rows, side].mean() < 2 / 96  # pixels of 96


def test_patches_without_an_object_have_no_guess(reader, tokens):
    guesses = reader.guess(tokens)
    assert (guesses[~tokens.on_object] == 0).all() and (guesses[tokens.on_object] != 0).any()


def test_guesses_are_part_of_what_is_allowed(reader, tokens):
    guessing = replace(tokens, guesses=(reader.guess(tokens),))
    few = np.arange(len(tokens.patch)) % 50 == 0
    assert np.array_equal(guessing.take(few).allowed[:, -4:], reader.guess(tokens.take(few)))
    assert guessing.allowed.shape[1] == tokens.facts.shape[1] + 4


def test_covered_pixels_are_those_of_the_object_in_the_patch(tokens):
    for row in np.flatnonzero(tokens.on_object)[::97]:
        scene, (y, x) = (
            tokens.scenes[tokens.image[row]],
            np.array(divmod(tokens.patch[row], GRID)) * 8,
        )
        patch = scene.owner[y : y + 8, x : x + 8] == tokens.owner[row]
        assert np.array_equal(tokens.covered[row].reshape(8, 8), patch)
    assert not tokens.covered[~tokens.on_object].any()
