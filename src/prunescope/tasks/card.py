"""Task cards: where the examples of a benchmark come from, and how they are asked and judged."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import yaml

from prunescope.errors import InputError, known
from prunescope.metrics import METRICS, Metric
from prunescope.schemas import violation
from prunescope.tasks.access import Access

SCHEMA = Path(__file__).with_name("task.schema.yaml")
# Folders with cards: the project's, the installed package's, the checkout's; the first wins.
FOLDERS = (
    Path("data/tasks"),
    Path(__file__).with_name("cards"),
    Path(__file__).parents[3] / "data" / "tasks",
)
# The keys that a card needs, by its `source`.
REQUIRED = {"hub": ("hub", "columns"), "folder": ("folder", "images", "columns"), "testbed": ()}


@dataclass(frozen=True)
class Task:
    """A benchmark task, as described by its card; task.schema.yaml explains the fields."""

    name: str
    description: str
    source: str
    split: str
    prompt: str
    metric: Metric
    max_new_tokens: int
    localization: bool
    hub: dict[str, Any] | None = None
    folder: dict[str, Any] | None = None
    images: dict[str, Any] | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    where: dict[str, Any] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    box: dict[str, Any] = field(default_factory=dict)
    examples: int | None = None
    gigabytes: dict[str, float | None] = field(default_factory=dict)
    draw: int | None = None
    wording: str = "terse"  # of the testbed's questions
    chat: bool = False
    padded: bool = False
    resize: int | None = None  # images are stretched to squares of this side, in pixels
    access: Access = field(default_factory=Access)

    def ask(self, example: Mapping[str, Any]) -> str:
        """The prompt for an example: the model's input text, or with `chat` the user's message."""
        texts = example.get("options") or ()
        lines = [f"{letter}. {text}" for letter, text in zip(ascii_uppercase, texts, strict=False)]
        options, choices = "\n".join(lines), " \t ".join(texts)
        return self.prompt.format(question=example["question"], options=options, choices=choices)

    def of_split(self, split: str) -> "Task":
        """This task on another split, whose number of examples is not known."""
        return self if split == self.split else replace(self, split=split, examples=None)

    def to_dict(self) -> dict[str, Any]:
        """Everything in the card that an answer depends on, as plain data.

        Fields for reports and plans are left out, and so is `access`: a digest of the data stands
        for what it finds.
        """
        data = asdict(self) | {"metric": {self.metric.name: asdict(self.metric)}}
        for field_name in ("description", "localization", "examples", "gigabytes", "access"):
            del data[field_name]
        return data


def find_card(name: str) -> Path:
    """File of the card of task `name`; InputError for an unknown task names all cards."""
    return find_cards()[known(name, find_cards(), "tasks")]


def find_cards() -> dict[str, Path]:
    """Files of all cards in FOLDERS, by the task's name."""
    cards = [card for folder in FOLDERS for card in sorted(folder.glob("*.yaml"))]
    return {card.stem: card for card in reversed(cards)}


def read_task(
    path: Path | str, protocol: str | None = None, access: Mapping[str, Any] | None = None
) -> Task:
    """The task of a card; InputError names the file, the key and what is allowed.

    protocol: one of the card's `protocols`; None takes the card's own keys. access: fields of
    Access that differ from their defaults.
    """
    path = Path(path)
    card = _read_card(path)
    protocols = card.pop("protocols", {})
    if protocol is not None and protocol not in protocols:
        raise InputError(f"{path}: protocols: no {protocol!r}; allowed: {sorted(protocols)}")
    card |= protocols.get(protocol, {})
    [(metric, fields)] = card["metric"].items()
    return Task(**{**card, "metric": METRICS[metric](**fields), "access": Access(**access or {})})


def task_of(card: Path | str, model: Mapping[str, Any], run: Mapping[str, Any]) -> Task:
    """The task of a card for one model of a study.

    model: the study's value, with `protocol` and `resize`. run: the study's, with `data`.
    """
    return replace(read_task(card, model["protocol"], run["data"]), resize=model["resize"])


def _read_card(path: Path) -> dict[str, Any]:
    """Content of a card, checked by the schema and by REQUIRED."""
    if not path.is_file():
        cards = sorted(card.stem for card in path.parent.glob("*.yaml"))
        raise InputError(f"{path}: no such task card; cards in its folder: {cards}")
    card = yaml.safe_load(path.read_text())
    if problem := violation(card, _schema()):
        raise InputError(f"{path}: {problem}")
    if card["name"] != path.stem:
        raise InputError(f"{path}: name: {card['name']!r} differs from the name of the file")
    if missing := [key for key in REQUIRED[card["source"]] if key not in card]:
        raise InputError(f"{path}: {missing[0]}: source {card['source']!r} needs it")
    return card


@cache
def _schema() -> dict[str, Any]:
    return yaml.safe_load(SCHEMA.read_text())
