"""Task cards: where the examples of a benchmark come from, how they are asked and judged."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator

from prunescope.errors import InputError
from prunescope.metrics import METRICS, Metric
from prunescope.sources import rows
from prunescope.sources.access import Access
from prunescope.sources.images import undecoded
from prunescope.subset import take

if TYPE_CHECKING:
    from datasets import Dataset

SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "task.schema.yaml"
FIELDS = ("id", "image_id", "image", "question", "answer", "box", "kind")
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


def load(task: Task, limit: int | None = None) -> "Dataset":
    """The examples of a task with the columns FIELDS, from whichever source; those of benchmarks
    also have `answers` (what people said) and `options` (texts to choose from). `pictures` decodes
    the images.

    limit: only so many. InputError for what is missing, before an example is loaded.
    """
    examples = SOURCES[task.source](task)
    if missing := sorted(set(FIELDS) - set(examples.column_names)):
        raise InputError(f"task {task.name!r}: source {task.source!r} has no column {missing[0]!r}")
    if not len(examples):
        raise InputError(f"task {task.name!r}: split: {task.split!r} has no examples")
    return take(examples, limit, task.draw)


def inventory(task: Task) -> dict[str, Any]:
    """What the split of a benchmark has, as plain data: examples, images, what is left out, digest.

    Jobs rerun when it changes, so it says the same of the same data, wherever these are.
    """
    examples, gone = rows.read(task)
    return {
        "examples": len(examples),
        "images": len(set(examples["image_id"])),
        "left_out": examples.info.description,
        "left_out_rows": [asdict(each) for each in gone],
        "sha256": data_digest(examples),
    }


def data_digest(examples: "Dataset") -> str:
    """SHA-256 of all values, images as the bytes that are stored (or of their digests, where ids
    are those)."""
    state = hashlib.sha256()
    if all(each.startswith("sha256-") for each in examples["image_id"]):
        examples = examples.remove_columns("image")
    for row in undecoded(examples):
        state.update(repr(sorted(row.items())).encode())
    return state.hexdigest()


def _testbed(task: Task) -> "Dataset":
    from prunescope.testbed import dataset

    return dataset.load(task.split, task.name)


SOURCES = {"testbed": _testbed, "hub": rows.load, "folder": rows.load}
