"""Probes find what tokens know, and nothing in tokens that know only their patch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.tiny_llava import build_llava
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.errors import InputError
from prunescope.testbed.scenes import SIDE, make_scene
from prunescope.training import leak_probes
from prunescope.training.leak_probes import Probe
from prunescope.training.visual_tokens import label_tokens, scene_grid, visual_tokens

TESTBED = Path(__file__).parents[2] / "data" / "testbed" / "rope"
GRID, IMAGES, PER_IMAGE, WIDTH = 12, 400, 16, 420


def labelled(vectors=None):
    rng = np.random.default_rng(0)
    scenes = [make_scene(seed) for seed in range(IMAGES)]
    patches = np.stack([rng.permutation(GRID**2)[:PER_IMAGE] for _ in scenes])
    if vectors is None:
        vectors = rng.standard_normal((IMAGES * PER_IMAGE, 1))
    return label_tokens(scenes, GRID, patches, vectors)


def as_vectors(*facts):
    """Facts (n, k) as a sum of random vectors, with a little noise."""
    facts, rng = np.concatenate(facts, axis=1), np.random.default_rng(1)
    vectors = facts @ rng.standard_normal((facts.shape[1], WIDTH))
    return vectors + 0.01 * rng.standard_normal(vectors.shape)


def box_of_own_object(tokens):
    """(n, 4) the whole box of the object that a patch shows; zeros at the background."""
    boxes = np.zeros((len(tokens.patch), 4))
    boxes[tokens.on_object] = [item.box for item in tokens.take(tokens.on_object).objects]
    return 3 * boxes


def place_of_others(tokens):
    """(n, 18) for each colour, centre and size of its first object in the image."""
    facts = np.zeros((len(tokens.scenes), 6, 3))
    for row, scene in enumerate(tokens.scenes):
        for item in scene.objects[::-1]:
            color = list(leak_probes.COLORS).index(item.color)
            facts[row, color] = [*np.array(item.centre) / SIDE, 3 * item.size / SIDE]
    return 3 * facts.reshape(len(facts), -1)[tokens.image]


def probed(vectors, probes=leak_probes.findings):
    found = probes(Probe(labelled(vectors), IMAGES * 2 // 3))
    return {probe["name"]: probe for probe in found}


@pytest.fixture(scope="module")
def local():
    """Findings about tokens that know all that they may know, and no more."""
    return probed(as_vectors(labelled().allowed))


def test_what_a_patch_may_know_is_found(local):
    for name in ("color", "shape"):
        assert local[f"own patch, {name}"]["value"] > 0.95
        assert local[f"own patch, {name}"]["chance"] < 0.4
    for side in ("left", "top", "right", "bottom"):
        found = local[f"own patch, {side}"]
        assert found["value"] > found["chance"] + 0.3
    for line in ("row", "column"):
        assert local[f"own patch, {line}"]["value"] > 0.95
        assert local[f"own patch, {line}"]["chance"] < 0.1
    assert local["image, pairs of colour and shape"]["value"] > 0.95
    assert local["image, pairs of colour and shape"]["chance"] == pytest.approx(0.5, abs=0.07)
    assert local["image, background"]["value"] > 0.95


def elsewhere(findings):
    return [probe for name, probe in findings.items() if probe["measure"] == "R2 beyond place"]


def test_tokens_that_know_only_their_patch_add_nothing(local):
    assert len(elsewhere(local)) == 6
    for probe in elsewhere(local):
        assert probe["chance"] < 0.1
        assert probe["beyond_allowed"] < 0.05, probe
        assert probe["value"] < 0.4  # leaky tokens have more
    # The sides that cut a patch tell something of those that do not.
    own = [probe["allowed"] for probe in elsewhere(local) if probe["name"].startswith("own")]
    assert len(own) == 4 and np.mean(own) > 0.05


def test_boxes_that_leak_are_found():
    tokens = labelled()
    vectors = as_vectors(tokens.allowed, box_of_own_object(tokens))
    leaky = probed(vectors, leak_probes.sides_elsewhere)
    for side in ("left", "top", "right", "bottom"):
        probe = leaky[f"own object, {side} in another patch"]
        assert probe["beyond_allowed"] > 0.7 and probe["beyond_allowed_interval"][0] > 0.5
        assert probe["value"] > 0.5 > probe["allowed"]


def test_places_of_other_objects_that_leak_are_found():
    tokens = labelled()
    vectors = as_vectors(tokens.allowed, place_of_others(tokens))
    leaky = probed(vectors, leak_probes.other_objects)
    for name in ("centre", "size"):
        assert leaky[f"other objects, {name}"]["beyond_allowed"] > 0.5
        assert leaky[f"other objects, {name}"]["value"] > 0.5
        assert leaky[f"other objects, {name}"]["chance"] < 0.1


def test_permuted_targets_keep_what_they_must():
    tokens = labelled()
    targets = np.arange(len(tokens.patch))[:, None]
    for shuffle in (leak_probes.among_all, leak_probes.within_places):
        shuffled = shuffle(targets, tokens)
        assert sorted(shuffled[:, 0]) == targets[:, 0].tolist() and (shuffled != targets).any()
    assert (tokens.patch[shuffled[:, 0]] == tokens.patch).all()
    of_images = leak_probes.among_images(tokens.image[:, None], tokens)[:, 0]
    assert len(set(zip(of_images, tokens.image, strict=True))) == IMAGES
    assert (of_images != tokens.image).mean() > 0.9


def test_area_under_the_curve():
    rng = np.random.default_rng(0)
    scores, targets = rng.standard_normal((60, 3)), rng.integers(0, 2, (60, 3))
    targets[:, 2] = 1
    areas = leak_probes.area_under_curve(scores, targets)
    for column in range(2):
        ones, zeros = (scores[targets[:, column] == value, column] for value in (1, 0))
        assert areas[column] == pytest.approx((ones[:, None] > zeros).mean())
    assert np.isnan(areas[2])


def test_tokens_are_outputs_of_the_projector():
    loaded = Checkpoint("rope", TESTBED).load()
    scenes = [make_scene(seed) for seed in range(3)]
    tokens = visual_tokens(loaded, scenes, 5)
    images = [Image.fromarray(scene.render()) for scene in scenes]
    with torch.inference_mode():
        pixels = loaded.processor.image_processor(images, return_tensors="pt")["pixel_values"]
        model = loaded.model.model
        hidden = model.vision_tower(pixels, output_hidden_states=True).hidden_states[-1]
        expected = model.multi_modal_projector(hidden).numpy()
    expected = expected[tokens.image, tokens.patch]
    expected /= np.sqrt(expected.var(0).mean())
    np.testing.assert_allclose(tokens.vectors, expected, rtol=1e-4, atol=1e-5)
    assert tokens.vectors.shape == (15, 128) and tokens.local.shape == (15, 6)


def test_a_grid_that_does_not_divide_a_scene_is_refused():
    model = build_llava()
    model.config.vision_config.image_size = 28
    with pytest.raises(InputError, match=r"a square whose side divides 96, got \(7, 7\)"):
        scene_grid(Loaded.of(model))
