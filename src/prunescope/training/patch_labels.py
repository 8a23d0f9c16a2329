"""Patch-local labels of a scene: what a patch shows, and where a side of a box cuts this patch.

No label tells the place or the extent of anything outside its patch. What the image holds is told
apart from the patches: the (colour, shape) pairs and the background.
"""

from dataclasses import dataclass

import numpy as np

from prunescope.testbed.questions import BINS
from prunescope.testbed.scenes import COLORS, SHAPES, SIDE, Object, Scene
from prunescope.training.labels import BACKGROUND_IDS, COLOR_IDS, SHAPE_IDS, image_pairs, owners

# Classes of colour, shape, and the left, top, right and bottom side; the last of each is "none".
LABELS = ("color", "shape", "left", "top", "right", "bottom")
SIZES = (len(COLORS) + 1, len(SHAPES) + 1, *[BINS + 1] * 4)
NONE = np.array(SIZES) - 1
MIN_SHARE = 0.08  # share of a patch's pixels that an object must cover to be what the patch shows


@dataclass(frozen=True)
class PatchLabels:
    """Labels of one scene on a grid.

    local (patches, 6): classes of LABELS, patches row by row. pairs (30,): 1 for each (colour,
    shape) in the image. background: its colour.
    """

    local: np.ndarray
    pairs: np.ndarray
    background: int


def label_patches(scene: Scene, grid: int) -> PatchLabels:
    """Labels on grid x grid patches; a patch shows the object that covers most of it."""
    owner = shown_objects(scene, grid)
    rows, columns = np.divmod(np.arange(grid**2), grid)
    local = np.tile(NONE, (grid**2, 1))
    for number, item in enumerate(scene.objects):
        shown = owner == number
        local[shown, :2] = COLOR_IDS[item.color], SHAPE_IDS[item.shape]
        for label, (pixel, place) in enumerate(_sides(item), start=2):
            band = rows if LABELS[label] in ("top", "bottom") else columns
            local[shown & (band == pixel // (SIDE // grid)), label] = place
    return PatchLabels(local, image_pairs(scene), BACKGROUND_IDS[scene.background])


def shown_objects(scene: Scene, grid: int) -> np.ndarray:
    """Index of the object that each patch shows, (patches,); -1 for the background."""
    return owners(scene, grid, MIN_SHARE)


def _sides(item: Object) -> list[tuple[int, int]]:
    """Last pixel of the object at its left, top, right and bottom side, and the side's bin."""
    last = item.size - 1
    pixels = (item.left, item.top, item.left + last, item.top + last)
    return [
        (pixel, min(int(fraction * BINS), BINS - 1))
        for pixel, fraction in zip(pixels, item.box, strict=True)
    ]
