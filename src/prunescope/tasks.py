"""Task cards: where the examples of a benchmark come from, how they are asked and judged."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from jsonschema import Draft202012Validator

from prunescope.errors import InputError
from prunescope.metrics import METRICS, Metric
from prunescope.sources import rows
from prunescope.sources.access import Access
from prunescope.sources.images import opened, rgb, undecoded

if TYPE_CHECKING:
    from datasets import Dataset
    from PIL.Image import Image
    from transformers import BatchFeature, ProcessorMixin

SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "task.schema.yaml"
FIELDS = ("id", "image_id", "image", "question", "answer", "box", "kind")
NEEDS = {"hub": ("hub", "columns"), "folder": ("folder", "images", "columns"), "testbed": ()}
BICUBIC = 3  # of PIL.Image.Resampling, which is imported where images are
# The mean of the pixels that CLIP was trained on, which LLaVA-1.5 pads with.
PADDING = (122, 116, 104)


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
    return first(examples, limit, task.draw)


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


def first(examples: "Dataset", limit: int | None, draw: int | None = None) -> "Dataset":
    """`limit` examples, in their order; all for None. InputError for a limit below 1.

    draw: None for the first, else the seed of a draw of whole images (but for the last one), the
    same share of each kind; fewer are a part of more.
    """
    if limit is None or limit >= len(examples):
        return examples
    if limit < 1:
        raise InputError(f"limit: must be at least 1 or null, got {limit}")
    chosen = range(limit) if draw is None else sorted(_drawn(examples, draw)[:limit])
    return examples.select(chosen)


def _drawn(examples: "Dataset", seed: int) -> list[int]:
    """All rows, image by image, so that any beginning has its share of each kind."""
    of, kinds = defaultdict(list), defaultdict(list)
    for row, (image, kind) in enumerate(zip(examples["image_id"], examples["kind"], strict=True)):
        if image not in of:
            kinds[kind].append(image)
        of[image].append(row)
    places = {}
    for images in kinds.values():
        shuffled = sorted(images, key=lambda image: _shuffle(seed, image))
        places |= {image: (i + 0.5) / len(images) for i, image in enumerate(shuffled)}
    order = sorted(places, key=lambda image: (places[image], image))
    return [row for image in order for row in of[image]]


def _shuffle(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def batches(
    examples: "Dataset", task: Task, processor: "ProcessorMixin", size: int
) -> Iterator["Dataset"]:
    """Prompts of like length together: little padding, and what is not padded is faster."""
    if not len(examples):  # of an empty shard, which a tokenizer does not take
        return
    texts = [task.ask(example) for example in _without_images(examples)]
    lengths = [len(ids) for ids in processor.tokenizer(texts)["input_ids"]]
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), size):
        yield examples.select(order[start : start + size])


def prompts(batch: "Dataset", task: Task, processor: "ProcessorMixin") -> "BatchFeature":
    """The keyword arguments of the model's forward, padded on the left."""
    images = pictures(batch)
    if task.padded:
        images = [square(image) for image in images]
    if task.resize:
        images = [image.resize((task.resize,) * 2, resample=BICUBIC) for image in images]
    text = [task.ask(example) for example in _without_images(batch)]
    # A template that begins a text with the tokenizer's first token leaves that to nobody else.
    begins = False
    if task.chat:
        text = [_templated(each, processor) for each in text]
        begins = bool(processor.tokenizer.bos_token) and text[0].startswith(
            processor.tokenizer.bos_token
        )
    options = {"add_special_tokens": False} if begins else {}
    return processor(images=images, text=text, padding=True, return_tensors="pt", **options)


def pictures(batch: "Dataset") -> list["Image"]:
    """The images in RGB, turned as their pixels are stored."""
    return [rgb(each) for each in undecoded(batch)["image"]]


def _templated(text: str, processor: "ProcessorMixin") -> str:
    content = [{"type": "image"}, {"type": "text", "text": text}]
    return processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )


def square(image: "Image") -> "Image":
    """The image in the middle of a square of its longer side."""
    from PIL import ImageOps

    return ImageOps.pad(image, (max(image.size),) * 2, color=PADDING)


def sizes(batch: "Dataset", inputs: Mapping[str, Any], processor: Any) -> list[tuple[int, int]]:
    """Width and height in pixels of each image: where the processor makes them fit its patches,
    as it does so (Qwen2-VL and what came of it), else as they are."""
    if "image_grid_thw" not in inputs:
        return [opened(each).size for each in undecoded(batch)["image"]]
    patch = processor.image_processor.patch_size
    return [(int(w) * patch, int(h) * patch) for _, h, w in inputs["image_grid_thw"].tolist()]


def data_digest(examples: "Dataset") -> str:
    """SHA-256 of all values, images as the bytes that are stored (or of their digests, where ids
    are those)."""
    state = hashlib.sha256()
    if all(each.startswith("sha256-") for each in examples["image_id"]):
        examples = _without_images(examples)
    for row in undecoded(examples):
        state.update(repr(sorted(row.items())).encode())
    return state.hexdigest()


def _without_images(examples: "Dataset") -> "Dataset":
    return examples.remove_columns("image")


def _testbed(task: Task) -> "Dataset":
    from prunescope.testbed import dataset

    return dataset.load(task.split, task.name)


SOURCES = {"testbed": _testbed, "hub": rows.load, "folder": rows.load}
