"""Labels of every patch of a scene, as integers: the dense supervision of the vision tower."""

from dataclasses import dataclass

import numpy as np

from prunescope.testbed.questions import BINS
from prunescope.testbed.scenes import BACKGROUNDS, COLORS, GRID, SHAPES, SIDE, Object, Scene

COLOR_IDS = {name: i for i, name in enumerate(COLORS)}
SHAPE_IDS = {name: i for i, name in enumerate(SHAPES)}
BACKGROUND_IDS = {name: i for i, name in enumerate(BACKGROUNDS)}
N_PAIRS = len(COLORS) * len(SHAPES)
# Classes of colour, shape and x1, y1, x2, y2; the last class of each is "background".
LOCAL_SIZES = (len(COLORS) + 1, len(SHAPES) + 1, BINS + 1, BINS + 1, BINS + 1, BINS + 1)
MIN_SHARE = 0.2  # share of a patch's pixels that an object must cover to be its label


@dataclass(frozen=True)
class SceneLabels:
    """Labels of one scene.

    local (patches, 6): colour, shape and bins x1, y1, x2, y2 of the patch's object, as classes of
    LOCAL_SIZES. pairs (30,): 1 for every (colour, shape) in the image. background: its colour.
    """

    local: np.ndarray
    pairs: np.ndarray
    background: int


def label(scene: Scene) -> SceneLabels:
    """Labels of one scene; a patch belongs to the object that covers most of it."""
    objects = [_object_labels(item) for item in scene.objects]
    table = np.array([*objects, [size - 1 for size in LOCAL_SIZES]])  # (objects + 1, 6)
    owner = owners(scene, GRID, MIN_SHARE)  # -1, the background, takes the table's last row
    return SceneLabels(table[owner], image_pairs(scene), BACKGROUND_IDS[scene.background])


def owners(scene: Scene, grid: int, min_share: float) -> np.ndarray:
    """Index of the object that covers most of each of grid x grid patches, (patches,).

    -1 where none covers `min_share` of the patch's pixels.
    """
    patch, count = SIDE // grid, len(scene.objects)
    # (SIDE, SIDE) pixels -> (patches, pixels of a patch), patches row by row
    patches = scene.owner.reshape(grid, patch, grid, patch).swapaxes(1, 2).reshape(grid**2, -1)
    shares = (patches[..., None] == np.arange(count)).mean(1)  # (patches, objects)
    return np.where(shares.max(1) >= min_share, shares.argmax(1), -1)


def image_pairs(scene: Scene) -> np.ndarray:
    """(30,) float32: 1 for every (colour, shape) in the image."""
    pairs = np.zeros(N_PAIRS, np.float32)
    for item in scene.objects:
        pairs[COLOR_IDS[item.color] * len(SHAPES) + SHAPE_IDS[item.shape]] = 1
    return pairs


def _object_labels(item: Object) -> tuple[int, ...]:
    """Colour, shape and the bins of the box of one object."""
    bins = (min(int(fraction * BINS), BINS - 1) for fraction in item.box)
    return COLOR_IDS[item.color], SHAPE_IDS[item.shape], *bins
