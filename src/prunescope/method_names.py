"""Names of methods: written, read, and shown to people.

A variation of a method is named after its base and what changes: `fastv-k3-r0.5` is `fastv` with
stages before layer K = 3 that remove R = 0.5; `pair-k1+4-t0.42` is `pair` at layers 1 and 4, with
T/N = 0.42; `fastv-k1-as-feather` spends the budget of `feather`. Words name other changes:
`fastv-k1-before-llm`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

BASELINE = "unpruned"  # the model as it is
TEXT_ONLY = "text-only"  # no layer sees the image
NO_IMAGE = "no-image"  # layers from K on do not see the image
BEFORE_LLM = "before-llm"  # the word of a replay before layer 0

# What a number in a name is: its letter there, and its symbol in labels.
LETTERS = {"layer": "k", "remove": "r", "stride": "s", "offset": "o", "share": "t"}
SYMBOLS = {"layer": "K", "remove": "R", "stride": "stride", "offset": "offset", "share": "T/N"}
WORDS = {BEFORE_LLM: "before the LLM", "original": "original positions"}
LABELS = {
    BASELINE: "Unpruned",
    "fastv": "FastV",
    "fastv-norope": "FastV without RoPE",
    "uniform": "Uniform grid",
    "lattice": "Even lattice",
    "last-quarter": "Last quarter",
    "random": "Random",
    "ensemble": "Without RoPE + grid",
    "feather": "FEATHER",
    "pyramiddrop": "PyramidDrop",
    "knn": "KNN",
    "fastervlm": "FasterVLM",
    "visionzip": "VisionZip",
    "oracle": "Oracle",
    "anti-oracle": "Anti-oracle",
    "pair": "Two stages",
    TEXT_ONLY: "Text only",
    NO_IMAGE: "No image",
    "position-shuffle": "All tokens, positions shuffled",
}

NUMBER = r"-(?P<letter>[krsot])(?P<value>\d[\d.+]*)(?=-|$)"
PART = re.compile(rf"{NUMBER}|-(?P<word>{BEFORE_LLM}|.+?(?=-{BEFORE_LLM}|-[krsot]\d|$))")
KEYS = {letter: key for key, letter in LETTERS.items()}

Number = float | Sequence[float]  # one for all stages, or one for each


@dataclass(frozen=True)
class Name:
    """The parts of a method's name.

    base: the method that it varies, or itself; parts: numbers as (key of `LETTERS`, text) and words
    as (None, text), in the order of the name; budget_of: the method whose budget it has, if any.
    """

    base: str
    parts: tuple[tuple[str | None, str], ...] = ()
    budget_of: str | None = None

    @property
    def values(self) -> dict[str, str]:
        """Numbers by key of `LETTERS`, as the name writes them."""
        return {key: text for key, text in self.parts if key}

    @property
    def words(self) -> tuple[str, ...]:
        """Changes that the name states in words."""
        return tuple(text for key, text in self.parts if key is None)

    @property
    def stem(self) -> str:
        """The name without the budget and the numbers at its end: methods with the same stem are
        points of one line."""
        last_word = max((i for i, (key, _) in enumerate(self.parts, 1) if key is None), default=0)
        texts = [f"{LETTERS.get(key, '')}{text}" for key, text in self.parts[:last_word]]
        return "-".join([self.base, *texts])


def write(name: str, budget_of: str | None = None, **values: Number) -> str:
    """The name of the variation of method `name` with these values, by key of `LETTERS`.

    A list has a value for each stage. budget_of: the method whose budget the variation has.
    """
    numbers = [f"-{LETTERS[key]}{_text(value)}" for key, value in values.items()]
    return name + "".join(numbers) + (f"-as-{budget_of}" if budget_of else "")


def parse(name: str) -> Name:
    """The parts of a method's name; an unknown base reaches up to the first number."""
    name, _, budget_of = name.partition("-as-")
    matching_bases = [base for base in LABELS if name == base or name.startswith(f"{base}-")]
    base = max(matching_bases, key=len, default=re.split(NUMBER, name)[0])
    matches = PART.finditer(name[len(base) :])
    parts = [(KEYS.get(match["letter"]), match["value"] or match["word"]) for match in matches]
    return Name(base, tuple(parts), budget_of or None)


def label(method: str) -> str:
    """A method's name for people: "FastV, K = 1, R = 0.5" for `fastv-k1-r0.5`."""
    name = parse(method)
    words = [LABELS.get(name.base, name.base)]
    for key, text in name.parts:
        words.append(f"{SYMBOLS[key]} = {text}" if key else WORDS.get(text, text.replace("-", " ")))
    if name.budget_of:
        words.append(f"tokens of {label(name.budget_of)}")
    return ", ".join(words)


def _text(value: Number) -> str:
    values = value if isinstance(value, list | tuple) else [value]
    return "+".join(f"{value:g}" for value in values)
