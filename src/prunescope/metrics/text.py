"""Answers in words, right or wrong."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, ClassVar

from prunescope.metrics.base import Metric, Verdict
from prunescope.metrics.choice import Choice


@dataclass(frozen=True)
class ExactMatch(Metric):
    """Right when prediction and answer are the same words; no words at all are invalid."""

    name: ClassVar[str] = "exact_match"

    def lack(self, example: Mapping[str, Any]) -> str:
        return "" if example["answer"].split() else "there is no answer"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        words = prediction.split()
        return Verdict(float(words == example["answer"].split()), invalid=not words)


@dataclass(frozen=True)
class OptionText(Metric):
    """Right when the prediction is the words of the right option, whose letter is the answer; the
    words of no option are invalid. As big_vision judges PaliGemma (arXiv 2407.07726) on AI2D and
    TallyQA."""

    name: ClassVar[str] = "option_text"

    def lack(self, example: Mapping[str, Any]) -> str:
        return Choice().lack(example)

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        options = dict(zip(ascii_uppercase, map(str.split, example["options"]), strict=False))
        words = prediction.split()
        right = words == options[example["answer"]]
        return Verdict(float(right), invalid=words not in options.values())


@dataclass(frozen=True)
class ShortAnswer(Metric):
    """The same words in lower case, without punctuation: GQA's accuracy, as Prismatic's
    evaluation prepares the prediction. The true answer is prepared, too, as lmms-eval does: GQA's
    own scorer, which Prismatic's evaluation calls, takes it as it is, so that a true answer with a
    hyphen is never right there."""

    name: ClassVar[str] = "short_answer"

    def lack(self, example: Mapping[str, Any]) -> str:
        return "" if plain(example["answer"]) else "there is no answer"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        said = plain(prediction)
        return Verdict(float(said == plain(example["answer"])), invalid=not said)


def plain(text: str) -> str:
    """Lower case, no punctuation, single spaces."""
    return " ".join(text.lower().translate(str.maketrans("", "", string.punctuation)).split())


@dataclass(frozen=True)
class YesNo(Metric):
    """Whether the first four characters say yes or no, as MME's scorer reads them (arXiv
    2306.13394); anything else is invalid."""

    name: ClassVar[str] = "yes_no"

    def lack(self, example: Mapping[str, Any]) -> str:
        return "" if example["answer"].lower() in ("yes", "no") else "the answer is not yes or no"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        said = read_yes_no(prediction)
        return Verdict(float(said == example["answer"].lower()), invalid=said is None)


def read_yes_no(text: str) -> str | None:
    """ "yes", "no", or None."""
    start = text.strip().lower().replace(".", "")[:4]
    if start in ("y", "n"):
        return "yes" if start == "y" else "no"
    return next((word for word in ("yes", "no") if word in start), None)
