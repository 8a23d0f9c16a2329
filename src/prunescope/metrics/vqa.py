"""The soft accuracy of VQA, and its normalisation of answers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from prunescope.metrics.base import Metric, Verdict

# All rules, with their quirks, are those of github.com/GT-Vision-Lab/VQA (vqaEval.py).
# A contraction that is written without one of its apostrophes is replaced by the word listed here.
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
    """The text without punctuation.

    A mark is deleted if one of its kind has a space beside it, or if the text has a number with a
    comma; otherwise it becomes a space. Up to 32 periods that no digit follows are deleted.
    """
    result = text
    for mark in MARKS:
        loose = f"{mark} " in text or f" {mark}" in text
        delete = loose or COMMA_IN_NUMBER.search(text) is not None
        result = result.replace(mark, "" if delete else " ")
    # The original passes the flag re.UNICODE, which is 32, as the number of replacements.
    return PERIOD.sub("", result, count=32)


def with_digits(text: str) -> str:
    """The text in lower case, with digits for number words, full contractions and no articles."""
    words = (DIGITS.get(word, word) for word in text.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES)


def normalised(text: str) -> str:
    """The form in which VQA's evaluation compares an answer."""
    return with_digits(without_punctuation(text.replace("\n", " ").replace("\t", " ").strip()))


def normalised_m4c(text: str) -> str:
    """The form in which TextVQA's evaluation compares an answer (M4C, arXiv 1911.06258)."""
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's")
    return normalised(text.strip())


def soft_accuracy(prediction: str, answers: Sequence[str]) -> float:
    """Agreement of a prediction with people's answers, from 0 to 1.

    One person is left out; a third is counted for each of the others who agrees, at most 1. The
    result is the mean over the person left out.
    """
    scores = [
        min(1.0, sum(other == prediction for j, other in enumerate(answers) if j != i) / 3)
        for i in range(len(answers))
    ]
    return sum(scores) / len(scores)


@dataclass(frozen=True)
class VqaAccuracy(Metric):
    """Share of people who gave the predicted answer; four of ten count as all.

    rules: how texts are normalised, "vqa" for VQAv2 and VizWiz, "m4c" for TextVQA. Prediction and
    answers are always both normalised, as in lmms-eval. GT-Vision-Lab's vqaEval.py leaves both
    as they are where all people gave the same answer. TRI-ML/vlm-evaluation, which FEATHER used,
    removes only punctuation from VQAv2's answers, and nothing from VizWiz's.
    """

    name: ClassVar[str] = "vqa_accuracy"

    rules: str = "vqa"

    def defect(self, example: Mapping[str, Any]) -> str:
        return "" if any(example["answers"]) else "there are no answers"

    def judge(self, prediction: str, example: Mapping[str, Any]) -> Verdict:
        normalise = normalised_m4c if self.rules == "m4c" else normalised
        answers = [normalise(answer.strip()) for answer in example["answers"]]
        score = soft_accuracy(normalise(prediction.strip()), answers)
        return Verdict(score, invalid=not prediction.strip())
