"""Boxes: how models write them, and how well two of them agree."""

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from prunescope.errors import InputError
from prunescope.metrics.base import Metric, Verdict

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 as fractions of the image's sides
Size = tuple[float, float]  # width and height in pixels

# [1, 2, 3, 4], (1,2),(3,4) and [[1, 2], [3, 4]], whatever tokens of the family are around them
FOUR = re.compile(r"[\[(]\s*" + r"[\s\[\](),]+".join([r"(-?\d+(?:\.\d+)?)"] * 4) + r"\s*[\])]")
LOCATIONS = re.compile(r"<loc(\d{4})>" * 4)


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2); 0 when they do not meet."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return shared / (areas - shared) if shared else 0.0


def parse_grid32(text: str, size: Size = (1, 1)) -> Box | None:
    """Four words 0..31, the bins of x1 y1 x2 y2 -> centres of the bins."""
    words = text.split()
    if len(words) != 4 or any(not (w.isascii() and w.isdigit()) or int(w) > 31 for w in words):
        return None
    return _box((int(word) + 0.5) / 32 for word in words)


def parse_fractions(text: str, size: Size) -> Box | None:
    """A Python list of four numbers in [0, 1] and nothing else, as the paper's scorer demands."""
    try:
        numbers = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if not isinstance(numbers, list) or any(type(each) not in (int, float) for each in numbers):
        return None
    return _box(numbers)


def parse_thousandths(text: str, size: Size) -> Box | None:
    """The first four numbers 0..1000 in brackets: Qwen2-VL, Qwen3-VL."""
    return _box(each / 1000 for each in _four(text))


def parse_internvl(text: str, size: Size) -> Box | None:
    """The first four numbers in brackets, thousandths, or fractions if they sum to less than 4, as
    InternVL's scorer (internvl_chat/eval/refcoco) has it; cut at the edges."""
    numbers = _four(text)
    whole = 1 if sum(numbers) < 4 else 1000
    return _box(_inside(each / whole) for each in numbers)


def parse_pixels(text: str, size: Size) -> Box | None:
    """The first four numbers in brackets, pixels of the image that the model saw: Qwen2.5-VL. What
    is beyond an edge is cut off; a box with nothing inside is none."""
    sides = zip(_four(text), (*size, *size), strict=False)
    return _box(_inside(number / side) for number, side in sides)


def parse_locations(text: str, size: Size) -> Box | None:
    """The first four location tokens, y1 x1 y2 x2 in 1024 bins: PaliGemma."""
    found = LOCATIONS.search(text)
    if found is None:
        return None
    y1, x1, y2, x2 = (int(each) / 1024 for each in found.groups())
    return _box((x1, y1, x2, y2))


def _four(text: str) -> list[float]:
    """The first four numbers in brackets; none if there are not as many."""
    found = FOUR.search(text)
    return [float(each) for each in found.groups()] if found else []


def _inside(fraction: float) -> float:
    return min(1.0, max(0.0, fraction))


def _box(numbers: Iterable[float]) -> Box | None:
    box = tuple(numbers)
    if len(box) != 4 or not all(0 <= each <= 1 for each in box):
        return None
    return box if box[0] < box[2] and box[1] < box[3] else None


BOX_FORMATS: dict[str, Callable[[str, Size], Box | None]] = {
    "fractions": parse_fractions,
    "grid32": parse_grid32,
    "internvl": parse_internvl,
    "locations": parse_locations,
    "pixels": parse_pixels,
    "thousandths": parse_thousandths,
}


def from_square(box: Box, size: Size) -> Box:
    """A box in fractions of an image padded to a square, its middle in the square's middle ->
    in fractions of the image itself, cut at its edges. size: of the image."""
    longest = max(size)
    moved = (
        _inside((each * longest - (longest - side) / 2) / side)
        for each, side in zip(box, (*size, *size), strict=True)
    )
    return tuple(moved)


@dataclass(frozen=True)
class BoxIou(Metric):
    """Right when the predicted box overlaps the true one by an IoU of at least `threshold`.

    frame: what the numbers are relative to, the "image" or the "square" it was padded to.
    decimals: to which the true box is rounded first, as the paper's evaluation does; None: not.
    """

    name: ClassVar[str] = "box_iou"

    threshold: float
    format: str
    frame: str = "image"
    decimals: int | None = None

    def __post_init__(self) -> None:
        if self.format not in BOX_FORMATS:
            raise InputError(f"format: {self.format!r} is not one of {sorted(BOX_FORMATS)}")

    def parse(self, text: str, size: Size = (1, 1)) -> Box | None:
        """The box that `text` says, or None. size: of the image in pixels."""
        box = BOX_FORMATS[self.format](text, size)
        return from_square(box, size) if box and self.frame == "square" else box

    def lack(self, example: Mapping[str, Any]) -> str:
        if not example["box"]:
            return "there is no box"
        return "" if _box(self.true(example)) else f"box {example['box']}: it rounds to nothing"

    def true(self, example: Mapping[str, Any]) -> Sequence[float]:
        """The true box, as it is compared with."""
        box = example["box"]
        return box if self.decimals is None else [round(each, self.decimals) for each in box]

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        predicted = self.parse(prediction, example.get("size", (1, 1)))
        if predicted is None:
            return Verdict(0.0, 0.0, True)
        overlap = iou(predicted, self.true(example))
        return Verdict(float(overlap >= self.threshold), overlap)
