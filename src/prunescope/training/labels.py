"""What every patch of a scene shows, as integers: the dense supervision of the vision tower."""

from dataclasses import dataclass

import numpy as np

from prunescope.testbed.questions import BINS
from prunescope.testbed.scenes import BACKGROUNDS, COLORS, GRID, PATCH, SHAPES, Scene

COLOR_IDS = {name: i for i, name in enumerate(COLORS)}
SHAPE_IDS = {name: i for i, name in enumerate(SHAPES)}
BACKGROUND_IDS = {name: i for i, name in enumerate(BACKGROUNDS)}
N_PAIRS = len(COLORS) * len(SHAPES)
LOCAL_SIZES = (len(COLORS) + 1, len(SHAPES) + 1, BINS + 1, BINS + 1, BINS + 1, BINS + 1)
MIN_SHARE = 0.2  # of a patch's pixels: below this the patch shows the background


@dataclass(frozen=True)
class SceneLabels:
    """`local` (patches, 6): colour, shape, x1, y1, x2, y2 bin of the patch's object; the last class
    of each is "background". `pairs` (30,): which (colour, shape) the image contains."""

    local: np.ndarray
    pairs: np.ndarray
    background: int


def label(scene: Scene) -> SceneLabels:
    """Labels of one scene; a patch belongs to the object that covers most of it."""
    things = [
        (COLOR_IDS[o.color], SHAPE_IDS[o.shape], *(min(int(v * BINS), BINS - 1) for v in o.box))
        for o in scene.objects
    ]
    table = np.array([*things, [size - 1 for size in LOCAL_SIZES]])
    patches = scene.owner.reshape(GRID, PATCH, GRID, PATCH).swapaxes(1, 2).reshape(GRID**2, -1)
    shares = (patches[..., None] == np.arange(len(things))).mean(1)
    owner = np.where(shares.max(1) >= MIN_SHARE, shares.argmax(1), len(things))
    pairs = np.zeros(N_PAIRS, np.float32)
    for color, shape, *_ in things:
        pairs[color * len(SHAPES) + shape] = 1
    return SceneLabels(table[owner], pairs, BACKGROUND_IDS[scene.background])
