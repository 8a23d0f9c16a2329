"""Choice of one option, by the probabilities of the answer's first token."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, ClassVar

from prunescope.metrics.base import Metric, Verdict


@dataclass(frozen=True)
class Choice(Metric):
    """Right when the true option has the most probable first token of all options.

    options: the words to choose from; None for the letters A, B, ... of the example's options.
    """

    name: ClassVar[str] = "choice"

    options: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.options is not None:
            object.__setattr__(self, "options", tuple(self.options))

    def choices(self, example: Mapping[str, Any]) -> tuple[str, ...]:
        """The words that this example may be answered with."""
        return self.options or tuple(ascii_uppercase[: len(example["options"])])

    def defect(self, example: Mapping[str, Any]) -> str:
        choices = self.choices(example)
        if not choices:
            return "there are no options"
        return "" if example["answer"] in choices else f"answer {example['answer']!r} is no option"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        invalid = prediction not in self.choices(example)
        return Verdict(float(prediction == example["answer"]), invalid=invalid)
