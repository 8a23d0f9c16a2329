"""Is an answer right? Small pure functions and the two metrics that task cards name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import ClassVar, NamedTuple

from prunescope.errors import InputError

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 as fractions of the image's sides


class Verdict(NamedTuple):
    """score: 1.0 right, 0.0 wrong; iou: NaN where no box is asked for; invalid: not an answer."""

    score: float
    iou: float
    invalid: bool


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2); 0 when they do not meet."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return shared / (areas - shared) if shared else 0.0


def parse_grid32(text: str) -> Box | None:
    """Four words 0..31, the bins of x1 y1 x2 y2 -> centres of the bins; None if it is no box."""
    words = text.split()
    if len(words) != 4 or any(not (w.isascii() and w.isdigit()) or int(w) > 31 for w in words):
        return None
    x1, y1, x2, y2 = ((int(word) + 0.5) / 32 for word in words)
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


BOX_FORMATS: dict[str, Callable[[str], Box | None]] = {"grid32": parse_grid32}


@dataclass(frozen=True)
class ExactMatch:
    """Right when prediction and answer are the same words; no words at all are invalid."""

    name: ClassVar[str] = "exact_match"

    def judge(self, prediction: str, answer: str, box: Sequence[float] = ()) -> Verdict:
        words = prediction.split()
        return Verdict(float(words == answer.split()), nan, not words)


@dataclass(frozen=True)
class BoxIou:
    """Right when the predicted box overlaps the true one by an IoU of at least `threshold`."""

    name: ClassVar[str] = "box_iou"

    threshold: float
    format: str

    def __post_init__(self) -> None:
        if self.format not in BOX_FORMATS:
            raise InputError(f"format: {self.format!r} is not one of {sorted(BOX_FORMATS)}")

    def parse(self, text: str) -> Box | None:
        """The box that `text` says, or None."""
        return BOX_FORMATS[self.format](text)

    def judge(self, prediction: str, answer: str, box: Sequence[float]) -> Verdict:
        predicted = self.parse(prediction)
        if predicted is None:
            return Verdict(0.0, 0.0, True)
        overlap = iou(predicted, box)
        return Verdict(float(overlap >= self.threshold), overlap, False)


Metric = ExactMatch | BoxIou
METRICS: dict[str, type[Metric]] = {metric.name: metric for metric in (ExactMatch, BoxIou)}
