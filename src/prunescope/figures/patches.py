"""Pictures whose removed patches lie under a dark veil, with boxes, an inset and the outcome."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

TRUE_BOX, PREDICTED_BOX = "#00E000", "#FF40FF"
VEIL = 0.22, 0.22, 0.28  # over removed patches: dark on light pictures, yet lighter than black ones
VEIL_OPACITY = 0.82
RIGHT, WRONG = ("✓", "#19784D"), ("✗", "#D03000")


def kept_patches(axes: Axes, image: np.ndarray, mask: np.ndarray) -> None:
    """Draw the image (height, width, 3) with a veil over the patches where `mask` (rows, columns),
    False to True or 0 to 1, is low."""
    axes.imshow(image, extent=(0, 1, 1, 0))
    veil = np.zeros((*mask.shape, 4))
    veil[..., :3], veil[..., 3] = VEIL, VEIL_OPACITY * (1.0 - np.asarray(mask, float))
    axes.imshow(veil, extent=(0, 1, 1, 0), interpolation="nearest")
    height, width = image.shape[:2]
    axes.set(xticks=[], yticks=[], aspect=height / width, xlim=(0, 1), ylim=(1, 0))
    axes.spines[:].set_visible(False)


def draw_box(axes: Axes, box: Sequence[float], color: str, dashed: bool = False) -> None:
    """Outline of a normalised x1 y1 x2 y2 box on axes of `kept_patches`."""
    x1, y1, x2, y2 = box
    outline = {"fill": False, "lw": 1.2, "ls": "--" if dashed else "-", "clip_on": False}
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, edgecolor=color, **outline))


def draw_inset(axes: Axes, image: np.ndarray, box: Sequence[float], part: float = 0.42) -> None:
    """The image around the box, enlarged, in that lower corner that is farther from the box."""
    x1, y1, x2, y2 = box
    centre = (x1 + x2) / 2, (y1 + y2) / 2
    left = 1 - part if centre[0] < 0.5 else 0.0
    bottom = 1 - part if centre[1] > 0.5 else 0.0  # fraction of the axes, from the bottom
    inset = axes.inset_axes((left, bottom, part, part))
    half = min(max(x2 - x1, y2 - y1) * 0.75, 0.5)
    x, y = np.clip(centre, half, 1 - half)  # the window stays inside the image
    inset.imshow(image, extent=(0, 1, 1, 0), interpolation="nearest")
    inset.set(xlim=(x - half, x + half), ylim=(y + half, y - half), xticks=[], yticks=[])
    inset.set_aspect(axes.get_aspect())
    inset.spines[:].set(visible=True, color=TRUE_BOX, linewidth=1.0)


def draw_outcome(axes: Axes, right: bool) -> None:
    """A tick or a cross in the upper left corner."""
    sign, color = RIGHT if right else WRONG
    axes.text(
        0.03, 0.97, sign, color="white", weight="bold", ha="left", va="top",
        transform=axes.transAxes, bbox={"boxstyle": "circle,pad=0.15", "fc": color, "lw": 0},
    )  # fmt: skip
