"""One row of a benchmark -> its examples, with the fields that the task's card describes."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from prunescope.errors import InputError
from prunescope.tasks.card import Task
from prunescope.tasks.sources.unusable import UnusableRow

ColumnPath = str | Sequence[str]  # names with dots between them, or several such paths


def row_examples(
    task: Task, number: int, row: Mapping[str, Any], image: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Examples of a row, one for each of its questions; fields are those of examples.FIELDS.

    number: of the row. image: facts about its image, from `images.inspect_image`. Raises
    UnusableRow.
    """
    if image["problem"]:
        raise UnusableRow(image["problem"])
    get = {field: value_at(row, path) for field, path in task.columns.items() if field != "image"}
    answers = [as_text(answer) for answer in _as_list("answers", get.get("answers"))]
    answer = get.get("answer")
    if answer is None and answers:
        answer = Counter(answers).most_common(1)[0][0]
    common = {
        "image_id": f"sha256-{image['digest'][:32]}",
        "answer": _translate(task, "answer", answer),
        "answers": answers,
        "options": _options(get.get("options") or task.options),
        "box": _box(task, get.get("box"), image),
        "kind": _translate(task, "kind", get.get("kind")),
    }
    if defect := task.metric.defect(common):
        raise UnusableRow(defect)
    for index, question in enumerate(_questions(task, get["question"])):
        yield common | {"id": _example_id(task, number, index), "question": question}


def value_at(row: Any, path: ColumnPath) -> Any:
    """Value at a path of names with dots; inside a list, the list of its items' values.

    Several paths give the list of their values. Raises UnusableRow where a name is missing.
    """
    if not isinstance(path, str):
        return [value_at(row, part) for part in path]
    value = row
    try:
        for name in path.split("."):
            value = [item[name] for item in value] if isinstance(value, list) else value[name]
    except (KeyError, TypeError) as error:
        raise UnusableRow(f"there is no {path}") from error
    return value


def as_text(value: Any) -> str:
    """A value as text without outer spaces; "" for None, and for NaN in a column of numbers."""
    return "" if value is None or value != value else str(value).strip()


def _as_optional_text(value: Any) -> str:
    """Like `as_text`, but "nan" becomes "": some copies write missing options or hints so."""
    text = as_text(value)
    return "" if text == "nan" else text


def _as_list(field: str, value: Any) -> Sequence[Any]:
    if value is not None and not isinstance(value, list | tuple):
        raise UnusableRow(f"{field}: {value!r:.60} is no list")
    return value or ()


def _questions(task: Task, value: Any) -> list[str]:
    """One question or more; several columns are lines of one question.

    Of several columns, only the last must be filled.
    """
    if isinstance(task.columns["question"], list):
        *before, last = value
        lines = [*map(_as_optional_text, before), as_text(last)]
        value = "\n".join(line for line in lines if line) if lines[-1] else ""
    texts = [as_text(question) for question in (value if isinstance(value, list) else [value])]
    if not texts or not all(texts):
        raise UnusableRow("a question is empty" if any(texts) else "there is no question")
    return texts


def _options(value: Any) -> list[str]:
    """Options without the empty ones at the end; an empty one before would move the letters."""
    texts = [_as_optional_text(option) for option in _as_list("options", value)]
    while texts and not texts[-1]:
        texts.pop()
    if not all(texts):
        raise UnusableRow("an option before the last is empty")
    return texts


def _translate(task: Task, field: str, value: Any) -> str:
    """The card's word for a kind or an answer; the source's own if the card lists no words."""
    words, text = task.words.get(field), as_text(value)
    if words is None:
        return text
    if text in words:
        return words[text]
    if not text:
        raise UnusableRow(f"there is no {field}")
    raise InputError(f"task {task.name!r}: words.{field}: no {text!r} among {sorted(words)}")


def _box(task: Task, value: Any, image: Mapping[str, Any]) -> list[float]:
    """Box (x1, y1, x2, y2) in pixels -> fractions of the image's sides, clipped to 0..1."""
    if value is None:
        return []
    x1, y1, x2, y2 = _four_numbers(value)
    if task.box["order"] == "xywh":
        x2, y2 = x1 + x2, y1 + y2
    sides = (image["width"], image["height"]) * 2
    pairs = zip((x1, y1, x2, y2), sides, strict=True)
    box = [min(1.0, max(0.0, pixels / side)) for pixels, side in pairs]
    if box[0] >= box[2] or box[1] >= box[3]:
        raise UnusableRow(f"box {value!s:.60}: nothing of it is in the image")
    return box


def _four_numbers(value: Any) -> list[float]:
    """Four numbers of a list, or of a text such as "[1, 2, 3, 4]" or "(1 2 3 4)"."""
    parts = re.split(r"[\s,]+", value.strip("[]() \n\t")) if isinstance(value, str) else value
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 4 or not all(map(isfinite, numbers)):
        raise UnusableRow(f"box {value!s:.60}: it is not four numbers")
    return numbers


def _example_id(task: Task, row: int, index: int) -> str:
    """Id that is equal on all machines: a digest of task, data set, split, row and question."""
    source = task.hub or {"repo": None, "revision": None}
    parts = [task.name, source["repo"], source["revision"], task.split, row, index]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]
