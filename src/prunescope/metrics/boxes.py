"""Boxes: how families of models write them, and how well two of them agree."""

import ast
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from prunescope.errors import InputError
from prunescope.metrics.base import Metric, Verdict

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 as fractions of the image's sides
Size = tuple[float, float]  # width and height in pixels

# [1, 2, 3, 4], (1,2),(3,4) or [[1, 2], [3, 4]], with any tokens of the family around them
NUMBER, BETWEEN = r"(-?\d+(?:\.\d+)?)", r"[\s\[\](),]+"
FOUR_NUMBERS = re.compile(r"[\[(]\s*" + BETWEEN.join([NUMBER] * 4) + r"\s*[\])]")
LOCATIONS = re.compile(r"<loc(\d{4})>" * 4)
LOCATIONS32 = re.compile(r"\s*".join([r"<loc(\d\d)>"] * 4))


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2); 0 if they do not meet."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return shared / (areas - shared) if shared else 0.0


def parse_grid32(text: str, size: Size = (1, 1)) -> Box | None:
    """The box of four words 0..31, the bins of x1 y1 x2 y2; corners are centres of bins."""
    words = text.split()
    return _bins(words) if len(words) == 4 and all(map(_is_bin, words)) else None


def parse_locations32(text: str, size: Size = (1, 1)) -> Box | None:
    """The box of four location tokens of 32 bins, x1 y1 x2 y2, and nothing else."""
    match = LOCATIONS32.fullmatch(text.strip())
    return _bins(match.groups()) if match and all(map(_is_bin, match.groups())) else None


def _bins(numbers: Iterable[str]) -> Box | None:
    return _box((int(number) + 0.5) / 32 for number in numbers)


def _is_bin(word: str) -> bool:
    return word.isascii() and word.isdigit() and int(word) <= 31


def parse_fractions(text: str, size: Size) -> Box | None:
    """The box of a list of four numbers 0..1, if that is the whole text, as FEATHER's scorer."""
    try:
        numbers = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    if not isinstance(numbers, list) or any(type(number) not in (int, float) for number in numbers):
        return None
    return _box(numbers)


def parse_thousandths(text: str, size: Size) -> Box | None:
    """The box of the first four numbers 0..1000 in brackets: Qwen2-VL, Qwen3-VL."""
    return _box(number / 1000 for number in _four_numbers(text))


def parse_internvl(text: str, size: Size) -> Box | None:
    """The box of the first four numbers in brackets, clipped to the image: InternVL.

    Numbers are thousandths, or fractions if their sum is below 4, as in InternVL's scorer
    (internvl_chat/eval/refcoco).
    """
    numbers = _four_numbers(text)
    scale = 1 if sum(numbers) < 4 else 1000
    return _box(_clipped(number / scale) for number in numbers)


def parse_pixels(text: str, size: Size) -> Box | None:
    """The box of the first four numbers in brackets, pixels of the image seen: Qwen2.5-VL.

    Boxes are clipped to the image; a box that lies outside is none.
    """
    sides = zip(_four_numbers(text), (*size, *size), strict=False)
    return _box(_clipped(number / side) for number, side in sides)


def parse_locations(text: str, size: Size) -> Box | None:
    """The box of the first four location tokens, y1 x1 y2 x2 in 1024 bins: PaliGemma."""
    match = LOCATIONS.search(text)
    if match is None:
        return None
    y1, x1, y2, x2 = (int(location) / 1024 for location in match.groups())
    return _box((x1, y1, x2, y2))


def _four_numbers(text: str) -> list[float]:
    """The first four numbers in brackets; empty if there are fewer."""
    match = FOUR_NUMBERS.search(text)
    return [float(number) for number in match.groups()] if match else []


def _clipped(fraction: float) -> float:
    return min(1.0, max(0.0, fraction))


def _box(numbers: Iterable[float]) -> Box | None:
    """Four fractions as a box; None if they are not four, leave 0..1, or enclose nothing."""
    box = tuple(numbers)
    if len(box) != 4 or not all(0 <= corner <= 1 for corner in box):
        return None
    return box if box[0] < box[2] and box[1] < box[3] else None


BOX_FORMATS: dict[str, Callable[[str, Size], Box | None]] = {
    "fractions": parse_fractions,
    "grid32": parse_grid32,
    "internvl": parse_internvl,
    "locations": parse_locations,
    "locations32": parse_locations32,
    "pixels": parse_pixels,
    "thousandths": parse_thousandths,
}


def from_square(box: Box, size: Size) -> Box:
    """A box in fractions of the padded square -> fractions of the image, clipped to 0..1.

    The image lies in the middle of a square of its longer side. size: of the image.
    """
    longest = max(size)
    # In pixels, the square's corner lies (longest - side) / 2 before the image's, on each axis.
    corners = (
        _clipped((corner * longest - (longest - side) / 2) / side)
        for corner, side in zip(box, (*size, *size), strict=True)
    )
    return tuple(corners)


@dataclass(frozen=True)
class BoxIou(Metric):
    """Right when the IoU of the predicted and the true box is at least `threshold`.

    format: a key of BOX_FORMATS. frame: what predicted numbers are relative to, the "image" or the
    "square" it was padded to. decimals: the true box is first rounded to so many, as in FEATHER's
    evaluation; None does not round.
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
        """The box that a model wrote, as fractions of the image; None if the text is no box.

        size: width and height of the image in pixels.
        """
        box = BOX_FORMATS[self.format](text, size)
        return from_square(box, size) if box and self.frame == "square" else box

    def defect(self, example: Mapping[str, Any]) -> str:
        if not example["box"]:
            return "there is no box"
        return "" if _box(self.true_box(example)) else f"box {example['box']}: it rounds to nothing"

    def true_box(self, example: Mapping[str, Any]) -> Sequence[float]:
        """The true box of an example, rounded to `decimals`."""
        box = example["box"]
        return box if self.decimals is None else [round(corner, self.decimals) for corner in box]

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        predicted = self.parse(prediction, example.get("size", (1, 1)))
        if predicted is None:
            return Verdict(0.0, 0.0, True)
        overlap = iou(predicted, self.true_box(example))
        return Verdict(float(overlap >= self.threshold), overlap)
