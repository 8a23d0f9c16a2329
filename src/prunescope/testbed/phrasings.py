"""Natural wordings of the benchmark's questions and answers, for decoders that have read text.

The terse question "how many red things" becomes "How many red things are there?", "Count the red
things." and so on. What is asked, and what is right, stays the same.
"""

import re
from dataclasses import replace

import numpy as np

from prunescope.testbed.questions import RELATIONS, Question
from prunescope.testbed.scenes import SHAPES

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")
_RELATION = "|".join(RELATIONS)
# For each terse question, the pattern of its text and the wordings to choose from.
PHRASINGS: dict[re.Pattern[str], tuple[str, ...]] = {
    re.compile(r"where is the (?P<what>.+)"): (
        "Where is the {what}?",
        "Find the {what}.",
        "Which box holds the {what}?",
        "Mark the place of the {what}.",
    ),
    re.compile(r"is there a (?P<what>.+)"): (
        "Is there a {what}?",
        "Can you see a {what}?",
        "Does the picture show a {what}?",
        "Is a {what} in the image?",
    ),
    re.compile(r"how many (?P<what>.+) things"): (
        "How many {things} are there?",
        "How many {things} can you see?",
        "How many {things} does the picture show?",
        "What is the number of {things}?",
    ),
    re.compile(r"what color is the background"): (
        "What color is the background?",
        "Which color does the background have?",
        "Name the color of the background.",
    ),
    re.compile(r"what color is the (?P<what>.+)"): (
        "What color is the {what}?",
        "Which color does the {what} have?",
        "Name the color of the {what}.",
    ),
    re.compile(r"what shape is the (?P<what>.+)"): (
        "What shape is the {what}?",
        "Which shape does the {what} have?",
        "Name the shape of the {what}.",
    ),
    re.compile(r"is the background (?P<what>.+)"): (
        "Is the background {what}?",
        "Does the picture have a {what} background?",
        "Is it true that the background is {what}?",
    ),
    re.compile(rf"is the (?P<what>.+?) (?P<relation>{_RELATION}) the (?P<other>.+)"): (
        "Is the {what} {relation} the {other}?",
        "Does the {what} lie {relation} the {other}?",
        "Is it true that the {what} is {relation} the {other}?",
    ),
}


def phrase(question: Question, rng: np.random.Generator) -> Question:
    """The question in one of its natural wordings, drawn with `rng`; numbers become words."""
    pattern, match = next((p, m) for p in PHRASINGS if (m := p.fullmatch(question.text)))
    wordings = PHRASINGS[pattern]
    parts = match.groupdict()
    text = wordings[int(rng.integers(len(wordings)))].format(**parts, things=_plural(parts))
    answer = NUMBERS[int(question.answer)] if question.task == "count" else question.answer
    return replace(question, text=text, answer=answer)


def _plural(parts: dict[str, str]) -> str:
    """ "circles" for a shape, "red things" for a colour."""
    what = parts.get("what", "")
    if what not in SHAPES:
        return f"{what} things"
    return f"{what}es" if what.endswith("s") else f"{what}s"
