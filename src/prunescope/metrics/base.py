"""The interface of all metrics."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import nan
from typing import Any, ClassVar, NamedTuple


class Verdict(NamedTuple):
    """Judgement of one answer.

    score: from 0.0 (wrong) to 1.0 (right). iou: overlap with the true box, NaN if the question
    asks for none. invalid: the text is no answer of the kind that was asked for.
    """

    score: float
    iou: float = nan
    invalid: bool = False


class Metric(ABC):
    """A rule that judges answers; its fields are those that a task card may set."""

    name: ClassVar[str]

    def defect(self, example: Mapping[str, Any]) -> str:
        """Why no answer to this example could be right; "" if one could.

        Examples with a defect are not asked.
        """
        return ""

    @abstractmethod
    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        """Judge a model's answer; example: the fields of `tasks.examples.FIELDS` that it needs."""
