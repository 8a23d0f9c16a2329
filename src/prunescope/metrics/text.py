"""Metrics of answers in words."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, ClassVar

from prunescope.metrics.base import Metric, Verdict
from prunescope.metrics.choice import Choice


@dataclass(frozen=True)
class ExactMatch(Metric):
    """Right when prediction and answer are the same words; an empty prediction is invalid."""

    name: ClassVar[str] = "exact_match"

    def defect(self, example: Mapping[str, Any]) -> str:
        return "" if example["answer"].split() else "there is no answer"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        words = prediction.split()
        return Verdict(float(words == example["answer"].split()), invalid=not words)


@dataclass(frozen=True)
class OptionText(Metric):
    """Right when the prediction is the text of the right option; the true answer is its letter.

    A text that is no option is invalid. big_vision judges PaliGemma (arXiv 2407.07726) in this way
    on AI2D and TallyQA.
    """

    name: ClassVar[str] = "option_text"

    def defect(self, example: Mapping[str, Any]) -> str:
        return Choice().defect(example)

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        options = dict(zip(ascii_uppercase, map(str.split, example["options"]), strict=False))
        words = prediction.split()
        right = words == options[example["answer"]]
        return Verdict(float(right), invalid=words not in options.values())


@dataclass(frozen=True)
class ShortAnswer(Metric):
    """Right when both texts have the same words in lower case, without punctuation: for GQA.

    Prismatic's evaluation prepares the prediction in this way. The true answer is prepared too, as
    in lmms-eval. GQA's own scorer, which Prismatic's evaluation calls, takes the true answer as it
    is, so that one with a hyphen can never be matched.
    """

    name: ClassVar[str] = "short_answer"

    def defect(self, example: Mapping[str, Any]) -> str:
        return "" if plain(example["answer"]) else "there is no answer"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        answer = plain(prediction)
        return Verdict(float(answer == plain(example["answer"])), invalid=not answer)


def plain(text: str) -> str:
    """The text in lower case, without punctuation, with single spaces."""
    return " ".join(text.lower().translate(str.maketrans("", "", string.punctuation)).split())


@dataclass(frozen=True)
class YesNo(Metric):
    """Right when the first four characters say the true "yes" or "no"; others are invalid.

    MME's scorer (arXiv 2306.13394) reads answers in this way.
    """

    name: ClassVar[str] = "yes_no"

    def defect(self, example: Mapping[str, Any]) -> str:
        return "" if example["answer"].lower() in ("yes", "no") else "the answer is not yes or no"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        answer = read_yes_no(prediction)
        return Verdict(float(answer == example["answer"].lower()), invalid=answer is None)


def read_yes_no(text: str) -> str | None:
    """The "yes" or "no" within the first four characters; None if there is neither."""
    start = text.strip().lower().replace(".", "")[:4]
    if start in ("y", "n"):
        return "yes" if start == "y" else "no"
    return next((word for word in ("yes", "no") if word in start), None)
