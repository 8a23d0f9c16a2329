"""Task cards: where the examples of a benchmark come from, how they are asked and judged."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from prunescope.errors import InputError, known
from prunescope.metrics import METRICS, Metric
from prunescope.tasks.access import Access

if TYPE_CHECKING:
    pass

SCHEMA = Path(__file__).with_name("task.schema.yaml")
# Where cards are looked for: the project's folder, the installed package, the checkout.
FOLDERS = (
    Path("data/tasks"),
    Path(__file__).with_name("cards"),
    Path(__file__).parents[3] / "data" / "tasks",
)
NEEDS = {"hub": ("hub", "columns"), "folder": ("folder", "images", "columns"), "testbed": ()}


@dataclass(frozen=True)
class Task:
    """A benchmark task as its card tells it; what the keys mean is in task.schema.yaml."""

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
    chat: bool = False
    padded: bool = False
    resize: int | None = None  # side in pixels of the squares that images are stretched to
    access: Access = field(default_factory=Access)

    def ask(self, example: Mapping[str, Any]) -> str:
        """The model's input text, or with `chat` what the user says."""
        texts = example.get("options") or ()
        lines = [f"{letter}. {text}" for letter, text in zip(ascii_uppercase, texts, strict=False)]
        options, choices = "\n".join(lines), " \t ".join(texts)
        return self.prompt.format(question=example["question"], options=options, choices=choices)

    def of_split(self, split: str) -> "Task":
        """The same on another split, of which the card does not say how many examples it has."""
        return self if split == self.split else replace(self, split=split, examples=None)

    def to_dict(self) -> dict[str, Any]:
        """All that determines a record, as plain data: equal tasks give equal data."""
        data = asdict(self) | {"metric": {self.metric.name: asdict(self.metric)}}
        for words_for_the_report in ("description", "localization", "examples", "gigabytes"):
            del data[words_for_the_report]
        del data["access"]  # where copies are; what is in them is in the digest of the data
        return data


def find_card(name: str) -> Path:
    """File of the card of task `name`, in the first of `FOLDERS` that has one. InputError names
    the closest name and all others."""
    return find_cards()[known(name, find_cards(), "tasks")]


def find_cards() -> dict[str, Path]:
    """Files of all cards in `FOLDERS` by name of the task; earlier folders come first."""
    cards = [card for folder in FOLDERS for card in sorted(folder.glob("*.yaml"))]
    return {card.stem: card for card in reversed(cards)}


def read_task(
    path: Path | str, protocol: str | None = None, access: Mapping[str, Any] | None = None
) -> Task:
    """The task of a card. InputError names the file, the key and what is allowed.

    protocol: one of the card's `protocols`, None for the card's own keys. access: the fields of
    Access that differ from their defaults.
    """
    path = Path(path)
    if not path.is_file():
        known = sorted(each.stem for each in path.parent.glob("*.yaml"))
        raise InputError(f"{path}: no such task card; cards there: {known}")
    card = yaml.safe_load(path.read_text())
    _validate(card, path)
    if card["name"] != path.stem:
        raise InputError(f"{path}: name: {card['name']!r} differs from the name of the file")
    if missing := [key for key in NEEDS[card["source"]] if key not in card]:
        raise InputError(f"{path}: {missing[0]}: source {card['source']!r} needs it")
    protocols = card.pop("protocols", {})
    if protocol is not None and protocol not in protocols:
        raise InputError(f"{path}: protocols: no {protocol!r}; allowed: {sorted(protocols)}")
    card |= protocols.get(protocol, {})
    [(metric, fields)] = card["metric"].items()
    return Task(**{**card, "metric": METRICS[metric](**fields), "access": Access(**access or {})})


def read_tasks(folder: Path | str, names: Iterable[str]) -> dict[str, Task]:
    """The named tasks of a folder of cards."""
    return {name: read_task(Path(folder) / f"{name}.yaml") for name in names}


def _validate(card: Any, path: Path) -> None:
    errors = _validator().iter_errors(card)
    error = next(iter(sorted(errors, key=lambda each: each.json_path)), None)
    if error is None:
        return
    allowed = ""
    if error.validator == "additionalProperties":
        allowed = f"; allowed: {sorted(error.schema['properties'])}"
    raise InputError(f"{path}: {error.json_path.lstrip('$.') or 'card'}: {error.message}{allowed}")


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(yaml.safe_load(SCHEMA.read_text()))


def task_of(card: Path | str, model: Mapping[str, Any], run: Mapping[str, Any]) -> Task:
    """The task of a card, asked as `model` wants it, with the data that `run` says."""
    return replace(read_task(card, model["protocol"], run["data"]), resize=model["resize"])
