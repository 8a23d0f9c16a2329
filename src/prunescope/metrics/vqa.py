"""The soft accuracy of VQA, and the normalisation of answers that belongs to it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from prunescope.metrics.base import Metric, Verdict

# The rules, with their quirks, are those of github.com/GT-Vision-Lab/VQA (vqaEval.py). A word
# that lacks one apostrophe of these gets it back.
# fmt: off
CONTRACTED = [
    "'ow's'at", "'twas", "ain't", "aren't", "can't", "could've", "couldn't", "couldn't've",
    "didn't", "doesn't", "don't", "hadn't", "hadn't've", "hasn't", "haven't", "he'd", "he'd've",
    "he's", "how'd", "how'll", "how's", "isn't", "it'd", "it'd've", "it'll", "ma'am",
    "might've", "mightn't", "mightn't've", "must've", "mustn't", "needn't", "not've", "o'clock",
    "oughtn't", "shan't", "she'd've", "should've", "shouldn't", "shouldn't've", "somebody'd've",
    "somebody'll", "somebody's", "someone'd", "someone'd've", "someone'll", "someone's",
    "something'd", "something'd've", "something'll", "that's", "there'd", "there'd've",
    "there're", "there's", "they'd", "they'd've", "they'll", "they're", "they've", "wasn't",
    "we'd've", "we've", "weren't", "what'll", "what're", "what's", "what've", "when's",
    "where'd", "where's", "where've", "who'd", "who'd've", "who'll", "who's", "who've",
    "why'll", "why're", "why's", "won't", "would've", "wouldn't", "wouldn't've", "y'all",
    "y'all'd've", "y'all'll", "you'd", "you'd've", "you'll", "you're", "you've",
]
NUMBERS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
]
# fmt: on
CONTRACTIONS = {
    word[: apostrophe.start()] + word[apostrophe.end() :]: word
    for word in CONTRACTED
    for apostrophe in re.finditer("'", word)
} | {"somebody'd": "somebodyd"}
DIGITS = {word: str(number) for number, word in enumerate(NUMBERS)} | {"none": "0"}
ARTICLES = ("a", "an", "the")
MARKS = ';/[]"{}()=+\\_-><@`,?!'
PERIOD = re.compile(r"(?!<=\d)\.(?!\d)")
COMMA_IN_NUMBER = re.compile(r"(?<=\d),+(?=\d)")


def without_punctuation(text: str) -> str:
    """Marks go where one of their kind has a space beside it, or a number has a comma, and are
    spaces elsewhere; so do up to 32 periods that no digit follows."""
    result = text
    for mark in MARKS:
        loose = f"{mark} " in text or f" {mark}" in text
        gone = loose or COMMA_IN_NUMBER.search(text) is not None
        result = result.replace(mark, "" if gone else " ")
    # The original passes the flag re.UNICODE, which is 32, as the number of replacements.
    return PERIOD.sub("", result, count=32)


def with_digits(text: str) -> str:
    """Lower case; number words become digits, articles go, contractions get their apostrophe."""
    words = (DIGITS.get(word, word) for word in text.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES)


def normalised(text: str) -> str:
    """An answer as VQA's evaluation compares it."""
    return with_digits(without_punctuation(text.replace("\n", " ").replace("\t", " ").strip()))


def normalised_m4c(text: str) -> str:
    """An answer as TextVQA's evaluation compares it (M4C, arXiv 1911.06258)."""
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's")
    return normalised(text.strip())


def soft_accuracy(said: str, answers: Sequence[str]) -> float:
    """How many of the others agree, a third for each up to one, averaged over leaving out each."""
    scores = [
        min(1.0, sum(other == said for j, other in enumerate(answers) if j != i) / 3)
        for i in range(len(answers))
    ]
    return sum(scores) / len(scores)


@dataclass(frozen=True)
class VqaAccuracy(Metric):
    """The share of people who gave the predicted answer, full from four of ten on.

    rules: "vqa" are those of VQAv2 and VizWiz, "m4c" those of TextVQA. Prediction and answers are
    both normalised, always, as lmms-eval does: GT-Vision-Lab's vqaEval.py leaves both as they are
    where all people gave the same answer, and TRI-ML/vlm-evaluation, which FEATHER used, takes no
    more than punctuation from VQAv2's answers, and nothing from VizWiz's.
    """

    name: ClassVar[str] = "vqa_accuracy"

    rules: str = "vqa"

    def lack(self, example: Mapping[str, Any]) -> str:
        return "" if any(example["answers"]) else "there are no answers"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        said, answers = prediction.strip(), [each.strip() for each in example["answers"]]
        if self.rules == "m4c":
            said, answers = normalised_m4c(said), [normalised_m4c(each) for each in answers]
        else:
            said, answers = normalised(said), [normalised(each) for each in answers]
        return Verdict(soft_accuracy(said, answers), invalid=not prediction.strip())
