"""Benchmarks: their rows and images -> examples, and the rows that cannot be used."""

import logging
from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any

from prunescope.errors import InputError
from prunescope.tasks.sources import fields, folder, hub, images
from prunescope.tasks.sources.unusable import LeftOut, Unusable, check

if TYPE_CHECKING:
    from datasets import Dataset

    from prunescope.tasks.card import Task

log = logging.getLogger(__name__)
TEXT, LISTS = ("id", "image_id", "question", "answer", "kind"), ("answers", "options", "box")
NO_IMAGE = {"problem": "there is no such image"}


def load(task: "Task") -> "Dataset":
    """The examples of the rows that can be used, in their order, images undecoded; their
    `info.description` says which cannot."""
    return read(task)[0]


def read(task: "Task") -> tuple["Dataset", list[LeftOut]]:
    """The same, and all rows that cannot be used. InputError when these are too many."""
    rows = _rows(task)
    _check_some(task, rows)
    _check_columns(task, "columns", rows, [_column(task.columns["image"]), *_named(task)])
    pictures, places = _pictures(task, rows)
    files = "under" in (task.images or {})
    facts = images.inspect(pictures, task.access.pixels, files).to_list()
    shown = [NO_IMAGE if place is None else facts[place] for place in places]
    found, gone = _asked(task, rows, shown)
    how = (task.images or {}).get("how", "") if any(each["problem"] for each in facts) else ""
    lacking = check(task, gone, len(found) + len(gone), how)
    flat = [example for group in found.values() for example in group]
    _check_some(task, flat)
    _check_count(task, len(flat))
    picked = [places[number] for number, group in found.items() for _ in group]
    examples = _joined(flat, picked, pictures)
    examples.info.description = lacking
    return examples, gone


def _asked(
    task: "Task", rows: "Dataset", shown: Sequence[Mapping[str, Any]]
) -> tuple[dict[int, list[dict[str, Any]]], list[LeftOut]]:
    """By row what it asks, and the rows that cannot be used. shown: by row, what is known of its
    image."""
    text = rows.select_columns(sorted({_column(each) for each in _named(task)}))
    names = rows[task.columns["image"]][:] if task.images else [each["path"] for each in shown]
    found, gone = {}, []
    for number, row in enumerate(text):
        try:
            if all(_fits(fields.value(row, key), each) for key, each in task.where.items()):
                found[number] = list(fields.examples(task, number, row, shown[number]))
        except Unusable as error:
            gone.append(LeftOut(number, fields.text(names[number]), str(error)))
    return found, gone


def _fits(found: Any, wanted: Any) -> bool:
    """wanted: a value, or {below: limit}."""
    if not isinstance(wanted, Mapping):
        return found == wanted
    try:
        return float(found) < wanted["below"]
    except (TypeError, ValueError) as error:
        raise Unusable(f"{found!r:.60} is no number") from error


def _joined(found: list[dict[str, Any]], picked: list[int], pictures: "Dataset") -> "Dataset":
    """Examples and their images; no image is copied unless several examples share one."""
    from datasets import concatenate_datasets

    if len(set(picked)) < len(picked):
        return concatenate_datasets([_table(found), pictures.select(picked)], axis=1)
    slots: list[dict[str, Any]] = [dict.fromkeys((*TEXT, *LISTS))] * len(pictures)
    for place, example in zip(picked, found, strict=True):
        slots[place] = example
    return concatenate_datasets([_table(slots), pictures], axis=1).select(picked)


def _rows(task: "Task") -> "Dataset":
    if task.source == "folder":
        return folder.load(task)
    return hub.load(task, task.hub["files"], task.access.stream)


def _pictures(task: "Task", rows: "Dataset") -> tuple["Dataset", Sequence[int | None]]:
    """Images, and for each row which of them is its own, None where there is no such image."""
    column = task.columns["image"]
    if task.images is None:
        return images.of_rows(rows, column), range(len(rows))
    names = rows[column][:]
    if "under" in task.images:
        pool = list(dict.fromkeys(names))  # each once, however many questions there are
        pictures = images.of_files(task, pool)
    else:
        whole = hub.load(task, task.images["files"])  # in another order than the rows
        _check_columns(task, "images", whole, [task.images["id"], "image"])
        pool, pictures = whole[task.images["id"]], whole.select_columns(["image"])
    places = {name: place for place, name in enumerate(pool)}
    return pictures, [places.get(name) for name in names]


def _named(task: "Task") -> list[str]:
    """All paths of columns that the card names, but that of the image."""
    specs = [spec for field, spec in task.columns.items() if field != "image"]
    paths = [path for spec in specs for path in ([spec] if isinstance(spec, str) else spec)]
    return paths + list(task.where)


def _column(path: str) -> str:
    return path.split(".")[0]


def _check_columns(task: "Task", key: str, data: "Dataset", paths: Sequence[str]) -> None:
    """Raise InputError unless the data have these paths. key: of the card, which names them."""
    for path in paths:
        there, before = data.features, ""
        for name in path.split("."):
            if there is None:
                break
            if name not in there:
                raise InputError(
                    f"task {task.name!r}: {key}: the data have no column {before + name!r}; they "
                    f"have {[before + each for each in there]}"
                )
            there, before = _inside(there[name]), f"{before}{name}."


def _inside(feature: Any) -> Mapping[str, Any] | None:
    """The columns in a column, or in the items of one of lists; None where its type says none."""
    from datasets import Value

    feature = getattr(feature, "feature", feature)
    if isinstance(feature, Mapping):
        return feature
    return {} if isinstance(feature, Value) else None  # of JSON, any may be there


def _check_some(task: "Task", found: Sized) -> None:
    if not len(found):
        raise InputError(f"task {task.name!r}: split: {task.split!r} has no examples")


def _check_count(task: "Task", found: int) -> None:
    if task.examples not in (None, found) and task.access.stream is None:
        log.warning("task %r: %d examples, the card says %d", task.name, found, task.examples)


def _table(found: list[dict[str, Any]]) -> "Dataset":
    from datasets import Dataset, Features, List, Value

    features = {name: Value("string") for name in TEXT}
    features |= {name: List(Value("string")) for name in ("answers", "options")}
    # in 64 bits, as in 32 an IoU of exactly the threshold may fall below it
    return Dataset.from_list(found, Features(features | {"box": List(Value("float64"))}))
