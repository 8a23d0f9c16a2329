"""Generated scenes: 3 to 6 non-overlapping coloured shapes on a coloured, noisy background.

A scene is a pure function of its seed. The splits have separate ranges of seeds (`SPLITS`), so no
evaluation scene is ever trained on.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

SIDE = 96  # pixels
PATCH = 8
GRID = SIDE // PATCH  # 12 x 12 visual tokens
COLORS = {
    "red": (215, 40, 40),
    "green": (40, 165, 60),
    "blue": (45, 75, 220),
    "yellow": (235, 215, 50),
    "purple": (150, 45, 175),
    "cyan": (60, 205, 215),
}
SHAPES = ("circle", "square", "triangle", "cross", "ring")
BACKGROUNDS = {
    "black": (25, 25, 25),
    "gray": (125, 125, 125),
    "white": (235, 235, 235),
    "brown": (120, 78, 45),
}
SIZES = (16, 37)  # sides of the bounding boxes in pixels, a half-open range
SPLITS = {
    "train": range(0, 10**9),
    "dev": range(10**9, 2 * 10**9),
    "test": range(2 * 10**9, 3 * 10**9),
}

_RAMP = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE - 0.5  # -0.5 to 0.5 across the image


@dataclass(frozen=True)
class Object:
    """One coloured shape; `left`, `top` and `size` of its box are in pixels.

    The shape reaches all sides of its box, to within a pixel.
    """

    color: str
    shape: str
    left: int
    top: int
    size: int

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Box (x1, y1, x2, y2) as fractions of the image's side."""
        right, bottom = self.left + self.size, self.top + self.size
        return self.left / SIDE, self.top / SIDE, right / SIDE, bottom / SIDE

    @property
    def centre(self) -> tuple[float, float]:
        """Centre (x, y) in pixels."""
        return self.left + self.size / 2, self.top + self.size / 2

    def mask(self) -> np.ndarray:
        """Pixels of the shape within its box, (size, size) bool."""
        axis = (np.arange(self.size, dtype=np.float32) + 0.5) / self.size * 2 - 1
        x, y = axis[None, :], axis[:, None]
        radius = np.hypot(x, y)
        outline = {
            "circle": lambda: radius <= 1,
            "square": lambda: radius >= 0,
            "triangle": lambda: abs(x) <= (y + 1) / 2,
            "cross": lambda: (abs(x) <= 0.34) | (abs(y) <= 0.34),
            "ring": lambda: (radius <= 1) & (radius >= 0.55),
        }
        return outline[self.shape]()


@dataclass(frozen=True)
class Scene:
    """A background colour and its objects; no two objects share both colour and shape."""

    seed: int
    background: str
    objects: tuple[Object, ...]

    @cached_property
    def owner(self) -> np.ndarray:
        """Index of the object at every pixel, (SIDE, SIDE) int; -1 for the background."""
        owner = np.full((SIDE, SIDE), -1, np.int64)
        for i, o in enumerate(self.objects):
            box = np.s_[o.top : o.top + o.size, o.left : o.left + o.size]
            owner[box][o.mask()] = i
        return owner

    def render(self) -> np.ndarray:
        """Pixels (SIDE, SIDE, 3) uint8 with colour jitter, a brightness gradient and noise."""
        rng = np.random.default_rng((self.seed, 1))
        colors = [COLORS[o.color] for o in self.objects] + [BACKGROUNDS[self.background]]
        jitter = rng.normal(0, 8, (len(colors), 3)).astype(np.float32)
        palette = np.array(colors, np.float32) + jitter  # the background is last: owner -1
        slope = rng.normal(0, 0.06, 2).astype(np.float32)
        light = 1 + slope[0] * _RAMP[None, :] + slope[1] * _RAMP[:, None]
        noise = rng.standard_normal((SIDE, SIDE, 3), np.float32) * 8
        return np.clip(palette[self.owner] * light[..., None] + noise, 0, 255).astype(np.uint8)


def _free_place(rng: np.random.Generator, size: int, placed: list[Object], gap: int = 2):
    """Place (left, top) at least `gap` pixels from every placed box; None after 30 tries."""
    for left, top in rng.integers(0, SIDE - size + 1, (30, 2)).tolist():
        if all(
            left + size + gap <= o.left
            or o.left + o.size + gap <= left
            or top + size + gap <= o.top
            or o.top + o.size + gap <= top
            for o in placed
        ):
            return left, top
    return None


def make_scene(seed: int, counts: tuple[int, int] = (3, 6)) -> Scene:
    """The scene of `seed`, with `counts[0]` to `counts[1]` objects (inclusive)."""
    rng = np.random.default_rng((seed, 0))
    wanted = int(rng.integers(counts[0], counts[1] + 1))
    pairs = rng.permutation(len(COLORS) * len(SHAPES)).tolist()
    background = str(rng.choice(tuple(BACKGROUNDS)))
    placed: list[Object] = []
    while len(placed) < wanted:
        size = int(rng.integers(*SIZES))
        place = _free_place(rng, size, placed)
        if place is None:  # too crowded: starting again favours no size of object
            placed.clear()
            continue
        color, shape = divmod(pairs[len(placed)], len(SHAPES))
        placed.append(Object(tuple(COLORS)[color], SHAPES[shape], *place, size))
    return Scene(seed, background, tuple(placed))
