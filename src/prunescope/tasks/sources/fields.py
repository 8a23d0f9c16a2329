"""One row of a benchmark -> its examples, with the fields of tasks.FIELDS, as the card says."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from prunescope.errors import InputError
from prunescope.tasks.sources.unusable import Unusable

if TYPE_CHECKING:
    from prunescope.tasks.card import Task

Spec = str | Sequence[str]


def examples(
    task: "Task", number: int, row: Mapping[str, Any], image: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """What a row asks: one example for each of its questions. Raises Unusable.

    image: what images.look says of it.
    """
    if image["problem"]:
        raise Unusable(image["problem"])
    get = {field: value(row, spec) for field, spec in task.columns.items() if field != "image"}
    answers = [text(each) for each in _listed("answers", get.get("answers"))]
    answer = get.get("answer")
    if answer is None and answers:
        answer = Counter(answers).most_common(1)[0][0]
    common = {
        "image_id": f"sha256-{image['digest'][:32]}",
        "answer": _word(task, "answer", answer),
        "answers": answers,
        "options": _options(get.get("options") or task.options),
        "box": _box(task, get.get("box"), image),
        "kind": _word(task, "kind", get.get("kind")),
    }
    if lack := task.metric.lack(common):
        raise Unusable(lack)
    for index, question in enumerate(_questions(task, get["question"])):
        yield common | {"id": _identity(task, number, index), "question": question}


def value(row: Any, spec: Spec) -> Any:
    """What is at a path of names with dots; of a list, of each of its items. Of several paths, a
    list of what is at each. Raises Unusable where there is nothing on the way."""
    if not isinstance(spec, str):
        return [value(row, each) for each in spec]
    try:
        for name in spec.split("."):
            row = [each[name] for each in row] if isinstance(row, list) else row[name]
    except (KeyError, TypeError) as error:
        raise Unusable(f"there is no {spec}") from error
    return row


def text(thing: Any) -> str:
    """Nothing is None, or NaN in a column of numbers."""
    return "" if thing is None or thing != thing else str(thing).strip()


def _optional(thing: Any) -> str:
    """Missing options and hints are in some copies the text "nan"."""
    found = text(thing)
    return "" if found == "nan" else found


def _listed(field: str, found: Any) -> Sequence[Any]:
    if found is not None and not isinstance(found, list | tuple):
        raise Unusable(f"{field}: {found!r:.60} is no list")
    return found or ()


def _questions(task: "Task", found: Any) -> list[str]:
    """One or more; several columns make one text, in which those before the last may be missing."""
    if isinstance(task.columns["question"], list):
        *before, last = found
        lines = [*map(_optional, before), text(last)]
        found = "\n".join(each for each in lines if each) if lines[-1] else ""
    texts = [text(each) for each in (found if isinstance(found, list) else [found])]
    if not texts or not all(texts):
        raise Unusable("a question is empty" if any(texts) else "there is no question")
    return texts


def _options(found: Any) -> list[str]:
    """Without those that are missing at the end; one before would move the letters of the rest."""
    texts = [_optional(each) for each in _listed("options", found)]
    while texts and not texts[-1]:
        texts.pop()
    if not all(texts):
        raise Unusable("an option before the last is empty")
    return texts


def _word(task: "Task", field: str, found: Any) -> str:
    """The source's word for a kind or an answer -> the card's."""
    words, said = task.words.get(field), text(found)
    if words is None:
        return said
    if said in words:
        return words[said]
    if not said:
        raise Unusable(f"there is no {field}")
    raise InputError(f"task {task.name!r}: words.{field}: no {said!r} among {sorted(words)}")


def _box(task: "Task", found: Any, image: Mapping[str, Any]) -> list[float]:
    """Pixels -> fractions of the sides, cut at the edges."""
    if found is None:
        return []
    x1, y1, x2, y2 = _numbers(found)
    if task.box["order"] == "xywh":
        x2, y2 = x1 + x2, y1 + y2
    sides = (image["width"], image["height"]) * 2
    pairs = zip((x1, y1, x2, y2), sides, strict=True)
    box = [min(1.0, max(0.0, each / side)) for each, side in pairs]
    if box[0] >= box[2] or box[1] >= box[3]:
        raise Unusable(f"box {found!s:.60}: nothing of it is in the image")
    return box


def _numbers(found: Any) -> list[float]:
    """Four, of a list or of a text such as "[1, 2, 3, 4]" or "(1 2 3 4)"."""
    parts = re.split(r"[\s,]+", found.strip("[]() \n\t")) if isinstance(found, str) else found
    try:
        numbers = [float(each) for each in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 4 or not all(map(isfinite, numbers)):
        raise Unusable(f"box {found!s:.60}: it is not four numbers")
    return numbers


def _identity(task: "Task", row: int, index: int) -> str:
    """The same everywhere: a digest of task, data set, split, row and which of its questions."""
    source = task.hub or {"repo": None, "revision": None}
    parts = [task.name, source["repo"], source["revision"], task.split, row, index]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]
