"""Benchmarks: their rows and images -> examples, and the rows that cannot be used."""

import logging
from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any

from prunescope.errors import InputError
from prunescope.tasks.card import Task
from prunescope.tasks.sources import fields, folder, hub, images
from prunescope.tasks.sources.unusable import LeftOut, UnusableRow, check_left_out

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
TEXT, LISTS = ("id", "image_id", "question", "answer", "kind"), ("answers", "options", "box")
NO_IMAGE = {"problem": "there is no such image"}
Example = dict[str, Any]


def load_benchmark(task: Task) -> "Dataset":
    """Examples of the usable rows, in the rows' order, with undecoded images.

    `info.description` lists the rows that were left out.
    """
    return read_benchmark(task)[0]


def read_benchmark(task: Task) -> tuple["Dataset", list[LeftOut]]:
    """Examples of the usable rows, and all rows left out; InputError when these are too many."""
    rows = _rows(task)
    _check_not_empty(task, rows)
    _check_columns(task, "columns", rows, [_column(task.columns["image"]), *_paths(task)])
    pictures, places = _pictures(task, rows)
    are_files = "under" in (task.images or {})
    facts = images.inspect_images(pictures, task.access.pixels, are_files).to_list()
    row_facts = [NO_IMAGE if place is None else facts[place] for place in places]
    by_row, left_out = _examples(task, rows, row_facts)
    missing_images = any(image["problem"] for image in facts)
    advice = (task.images or {}).get("how", "") if missing_images else ""
    description = check_left_out(task, left_out, len(by_row) + len(left_out), advice)
    examples = [example for group in by_row.values() for example in group]
    _check_not_empty(task, examples)
    _check_count(task, len(examples))
    example_places = [places[number] for number, group in by_row.items() for _ in group]
    table = _join(examples, example_places, pictures)
    table.info.description = description
    return table, left_out


def _examples(
    task: Task, rows: "Dataset", row_facts: Sequence[Mapping[str, Any]]
) -> tuple[dict[int, list[Example]], list[LeftOut]]:
    """Examples by the number of their row, and the rows left out.

    row_facts: for each row, facts about its image.
    """
    text = rows.select_columns(sorted({_column(path) for path in _paths(task)}))
    names = rows[task.columns["image"]][:] if task.images else [fact["path"] for fact in row_facts]
    by_row, left_out = {}, []
    for number, row in enumerate(text):
        try:
            if _is_selected(task, row):
                by_row[number] = list(fields.row_examples(task, number, row, row_facts[number]))
        except UnusableRow as error:
            left_out.append(LeftOut(number, fields.as_text(names[number]), str(error)))
    return by_row, left_out


def _is_selected(task: Task, row: Mapping[str, Any]) -> bool:
    """Whether a row has the values that the card's `where` demands."""
    return all(_fits(fields.value_at(row, path), wanted) for path, wanted in task.where.items())


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one, or for `{below: limit}` below the limit."""
    if not isinstance(wanted, Mapping):
        return value == wanted
    try:
        return float(value) < wanted["below"]
    except (TypeError, ValueError) as error:
        raise UnusableRow(f"{value!r:.60} is no number") from error


def _join(examples: list[Example], places: list[int], pictures: "Dataset") -> "Dataset":
    """Examples with their images. places: for each example, the row of its image in `pictures`.

    No image is copied unless several examples share one.
    """
    from datasets import concatenate_datasets

    if len(set(places)) < len(places):
        return concatenate_datasets([_table(examples), pictures.select(places)], axis=1)
    # One row for each picture, empty where no example has it: `select` then copies no picture.
    slots: list[Example] = [dict.fromkeys((*TEXT, *LISTS))] * len(pictures)
    for place, example in zip(places, examples, strict=True):
        slots[place] = example
    return concatenate_datasets([_table(slots), pictures], axis=1).select(places)


def _rows(task: Task) -> "Dataset":
    if task.source == "folder":
        return folder.load_rows(task)
    return hub.load_rows(task, task.hub["files"], task.access.stream)


def _pictures(task: Task, rows: "Dataset") -> tuple["Dataset", Sequence[int | None]]:
    """Images, and for each row the index of its image among them; None if it has no image."""
    column = task.columns["image"]
    if task.images is None:
        return images.image_column(rows, column), range(len(rows))
    names = rows[column][:]
    if "under" in task.images:
        pool = list(dict.fromkeys(names))  # an image once, however many questions it has
        pictures = images.image_files(task, pool)
    else:
        files = hub.load_rows(task, task.images["files"])  # in another order than the rows
        _check_columns(task, "images", files, [task.images["id"], "image"])
        pool, pictures = files[task.images["id"]], files.select_columns(["image"])
    places = {name: place for place, name in enumerate(pool)}
    return pictures, [places.get(name) for name in names]


def _paths(task: Task) -> list[str]:
    """Paths of all columns that the card names, except the image's."""
    specs = [spec for field, spec in task.columns.items() if field != "image"]
    paths = [path for spec in specs for path in ([spec] if isinstance(spec, str) else spec)]
    return paths + list(task.where)


def _column(path: str) -> str:
    return path.split(".")[0]


def _check_columns(task: Task, key: str, data: "Dataset", paths: Sequence[str]) -> None:
    """Raise InputError unless the data have these paths. key: of the card that names them."""
    for path in paths:
        columns, parent = data.features, ""
        for name in path.split("."):
            if columns is None:
                break
            if name not in columns:
                raise InputError(
                    f"task {task.name!r}: {key}: the data have no column {parent + name!r}; they "
                    f"have {[parent + column for column in columns]}"
                )
            columns, parent = _inner_columns(columns[name]), f"{parent}{name}."


def _inner_columns(feature: Any) -> Mapping[str, Any] | None:
    """Columns inside a column, or inside the items of its lists; None if the type is unknown."""
    from datasets import Value

    feature = getattr(feature, "feature", feature)
    if isinstance(feature, Mapping):
        return feature
    return {} if isinstance(feature, Value) else None  # JSON may hold any columns


def _check_not_empty(task: Task, examples: Sized) -> None:
    if not len(examples):
        raise InputError(f"task {task.name!r}: split: {task.split!r} has no examples")


def _check_count(task: Task, count: int) -> None:
    if task.examples not in (None, count) and task.access.stream is None:
        log.warning("task %r: %d examples, the card says %d", task.name, count, task.examples)


def _table(examples: list[Example]) -> "Dataset":
    from datasets import Dataset, Features, List, Value

    features = {name: Value("string") for name in TEXT}
    features |= {name: List(Value("string")) for name in ("answers", "options")}
    # 64 bits: in 32, an IoU of exactly the threshold may fall below it
    return Dataset.from_list(examples, Features(features | {"box": List(Value("float64"))}))
