"""Task cards: where the examples of a benchmark come from, how they are asked and judged."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from jsonschema import Draft202012Validator

from prunescope.errors import InputError
from prunescope.metrics import METRICS, Metric

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import BatchFeature, ProcessorMixin

SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "task.schema.yaml"
FIELDS = ("id", "image_id", "image", "question", "answer", "box", "kind")


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
    columns: dict[str, str] = field(default_factory=dict)

    def ask(self, question: str) -> str:
        """The model's input text."""
        return self.prompt.format(question=question)

    def to_dict(self) -> dict[str, Any]:
        """All that determines a record, as plain data: equal tasks give equal data."""
        data = asdict(self) | {"metric": {self.metric.name: asdict(self.metric)}}
        del data["description"], data["localization"]  # words for the report only
        return data


def read_task(path: Path | str) -> Task:
    """The task of a card. InputError names the file, the key and what is allowed."""
    path = Path(path)
    if not path.is_file():
        known = sorted(each.stem for each in path.parent.glob("*.yaml"))
        raise InputError(f"{path}: no such task card; cards there: {known}")
    card = yaml.safe_load(path.read_text())
    _validate(card, path)
    if card["name"] != path.stem:
        raise InputError(f"{path}: name: {card['name']!r} differs from the name of the file")
    [(metric, fields)] = card["metric"].items()
    return Task(**{**card, "metric": METRICS[metric](**fields)})


def read_tasks(folder: Path | str, names: Iterable[str]) -> dict[str, Task]:
    """The named tasks of a folder of cards."""
    return {name: read_task(Path(folder) / f"{name}.yaml") for name in names}


def _validate(card: Any, path: Path) -> None:
    validator = Draft202012Validator(yaml.safe_load(SCHEMA.read_text()))
    error = next(iter(sorted(validator.iter_errors(card), key=lambda each: each.json_path)), None)
    if error is None:
        return
    allowed = ""
    if error.validator == "additionalProperties":
        allowed = f"; allowed: {sorted(error.schema['properties'])}"
    raise InputError(f"{path}: {error.json_path.lstrip('$.') or 'card'}: {error.message}{allowed}")


def load(task: Task, limit: int | None = None) -> "Dataset":
    """The examples of a task with the columns FIELDS, from whichever source.

    limit: only so many, from the start. InputError for a missing column or when there are none.
    """
    examples = SOURCES[task.source](task)
    columns = {name: task.columns.get(name, name) for name in FIELDS}
    if missing := sorted(set(columns.values()) - set(examples.column_names)):
        raise InputError(
            f"task {task.name!r}: columns: the data have no column {missing[0]!r}; "
            f"they have {examples.column_names}"
        )
    if not len(examples):
        raise InputError(f"task {task.name!r}: split: {task.split!r} has no examples")
    examples = examples.select_columns(list(columns.values()))
    examples = examples.rename_columns({old: new for new, old in columns.items() if old != new})
    return first(examples, limit)


def first(examples: "Dataset", limit: int | None) -> "Dataset":
    """The first `limit` examples; all for None. InputError for a limit below 1."""
    if limit is None:
        return examples
    if limit < 1:
        raise InputError(f"limit: must be at least 1 or null, got {limit}")
    return examples.select(range(min(limit, len(examples))))


def batches(
    examples: "Dataset", task: Task, processor: "ProcessorMixin", size: int
) -> Iterator["Dataset"]:
    """Prompts of like length together: little padding, and what is not padded is faster."""
    if not len(examples):
        return  # which a tokenizer does not take
    questions = [task.ask(question) for question in examples["question"]]
    lengths = [len(ids) for ids in processor.tokenizer(questions)["input_ids"]]
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), size):
        yield examples.select(order[start : start + size])


def prompts(batch: "Dataset", task: Task, processor: "ProcessorMixin") -> "BatchFeature":
    """The keyword arguments of the model's forward, padded on the left."""
    images = [image.convert("RGB") for image in batch["image"]]
    text = [task.ask(question) for question in batch["question"]]
    return processor(images=images, text=text, padding=True, return_tensors="pt")


def data_digest(examples: "Dataset") -> str:
    """SHA-256 of all values, images as the bytes that are stored."""
    state = hashlib.sha256()
    for row in _undecoded(examples):
        state.update(repr(sorted(row.items())).encode())
    return state.hexdigest()


def _undecoded(examples: "Dataset") -> "Dataset":
    from datasets import Image

    for name, feature in examples.features.items():
        if isinstance(feature, Image):
            examples = examples.cast_column(name, Image(decode=False))
    return examples


def _testbed(task: Task) -> "Dataset":
    from prunescope.testbed import dataset

    return dataset.load(task.split, task.name)


SOURCES = {"testbed": _testbed}
