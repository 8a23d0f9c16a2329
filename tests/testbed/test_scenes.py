"""Scenes and questions: every question has one right answer, and splits are separate."""

from itertools import pairwise

import numpy as np
import pytest

from prunescope.metrics import parse_grid32
from prunescope.testbed.questions import ASK, box_to_words
from prunescope.testbed.scenes import SIDE, SPLITS, make_scene

SEEDS = range(60)


def test_splits_do_not_meet():
    ranges = list(SPLITS.values())
    assert all(a.stop <= b.start for a, b in pairwise(ranges))


@pytest.mark.parametrize("counts", [(1, 2), (3, 6)])
def test_scene_is_a_function_of_its_seed(counts):
    for seed in SEEDS:
        scene = make_scene(seed, counts)
        assert scene == make_scene(seed, counts)
        assert counts[0] <= len(scene.objects) <= counts[1]
        np.testing.assert_array_equal(scene.render(), make_scene(seed, counts).render())
    assert make_scene(0) != make_scene(1)


def test_objects_lie_apart_within_the_image_and_fill_their_boxes():
    for seed in SEEDS:
        scene = make_scene(seed)
        covered = np.zeros((SIDE, SIDE), int)
        for number, o in enumerate(scene.objects):
            assert o.left >= 0 and o.left + o.size <= SIDE and o.top >= 0 and o.top + o.size <= SIDE
            covered[o.top : o.top + o.size, o.left : o.left + o.size] += 1
            rows, cols = np.nonzero(scene.owner == number)
            assert (cols.min(), cols.max() + 1) == (o.left, o.left + o.size)
            assert rows.max() + 1 == o.top + o.size and 0 <= rows.min() - o.top <= 1
        assert covered.max() == 1
        assert len({(o.color, o.shape) for o in scene.objects}) == len(scene.objects)


def test_objects_are_as_often_above_as_below():
    rows = [o.centre[1] / SIDE for seed in range(1500) for o in make_scene(seed).objects]
    assert abs(np.mean(rows) - 0.5) < 4 * np.std(rows) / len(rows) ** 0.5


def test_boxes_survive_their_words():
    for seed in SEEDS:
        for o in make_scene(seed).objects:
            back = parse_grid32(box_to_words(o.box))
            assert np.abs(np.subtract(back, o.box)).max() <= 0.5 / 32 + 1e-9


def described(scene, words):
    """The objects that fit a description such as "red circle", "red thing" or "circle"."""
    return [
        o for o in scene.objects if all(w in (o.color, o.shape, "thing", "things") for w in words)
    ]


def test_answers_follow_from_the_scene():
    for seed in SEEDS:
        scene, rng = make_scene(seed), np.random.default_rng(seed)
        asked = {task: [ask(scene, rng) for _ in range(8)] for task, ask in ASK.items()}
        for q in filter(None, asked["exists"]):
            assert q.answer == ("yes" if described(scene, q.text.split()[3:]) else "no")
        for q in filter(None, asked["count"]):
            assert q.answer == str(len(described(scene, q.text.split()[2:])))
        for q in filter(None, asked["color"]):
            [o] = described(scene, q.text.split()[4:])
            assert q.answer == o.color
        for q in filter(None, asked["shape"]):
            [o] = described(scene, q.text.split()[4:])
            assert q.answer == o.shape
        for q in asked["locate"]:
            if q.kind != "relation":
                [o] = described(scene, q.text.split()[3:])
                assert q.box == o.box


def test_related_targets_are_the_only_ones():
    sides = {"left": (0, -1), "right": (0, 1), "above": (1, -1), "below": (1, 1)}
    checked = 0
    for seed in range(400):
        scene, rng = make_scene(seed), np.random.default_rng(seed)
        question = ASK["locate"](scene, rng)
        if question.kind != "relation":
            continue
        checked += 1
        shape, relation, *_, color, kind = question.text.split()[3:]
        [anchor] = described(scene, [color, kind])
        axis, sign = sides[relation]
        fits = [
            o
            for o in scene.objects
            if o.shape == shape and o is not anchor
            and sign * (o.centre[axis] - anchor.centre[axis]) > 0
        ]  # fmt: skip
        assert [o.box for o in fits] == [question.box]
    assert checked > 10
