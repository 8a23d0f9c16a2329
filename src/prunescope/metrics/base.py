"""What all metrics have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import nan
from typing import Any, ClassVar, NamedTuple


class Verdict(NamedTuple):
    """score: from 0.0 wrong to 1.0 right; iou: NaN where no box is asked for; invalid: not an
    answer."""

    score: float
    iou: float = nan
    invalid: bool = False


class Metric(ABC):
    """A rule by which answers are judged; its fields are those of the card."""

    name: ClassVar[str]

    def lack(self, example: Mapping[str, Any]) -> str:
        """Why no prediction could be right, or ""; such an example is not asked."""
        return ""

    @abstractmethod
    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        """example: the fields of tasks.FIELDS that the rule needs."""
