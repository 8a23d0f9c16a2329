"""Metrics judge answers: one module for each kind of answer. Task cards name the metrics."""

from prunescope.metrics.base import Metric, Verdict
from prunescope.metrics.boxes import BOX_FORMATS, Box, BoxIou, iou, parse_grid32
from prunescope.metrics.choice import Choice
from prunescope.metrics.text import ExactMatch, OptionText, ShortAnswer, YesNo
from prunescope.metrics.vqa import VqaAccuracy

__all__ = [
    "BOX_FORMATS",
    "METRICS",
    "Box",
    "BoxIou",
    "Choice",
    "ExactMatch",
    "Metric",
    "OptionText",
    "ShortAnswer",
    "Verdict",
    "VqaAccuracy",
    "YesNo",
    "iou",
    "parse_grid32",
]
METRICS: dict[str, type[Metric]] = {
    metric.name: metric
    for metric in (BoxIou, Choice, ExactMatch, OptionText, ShortAnswer, VqaAccuracy, YesNo)
}
