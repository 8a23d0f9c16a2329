"""Rows of a benchmark -> examples with the fields of tasks.FIELDS, as the card says."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prunescope.errors import InputError
from prunescope.sources import folder, hub, images

if TYPE_CHECKING:
    from datasets import Dataset

    from prunescope.tasks import Task

log = logging.getLogger(__name__)
Spec = str | Sequence[str]
TEXT = ("id", "image_id", "question", "answer", "kind")


def load(task: "Task") -> "Dataset":
    """The examples of a benchmark whose images can be used, undecoded, in the order of its rows;
    their `info.description` says which cannot."""
    from datasets import concatenate_datasets

    rows = _rows(task)
    if not len(rows):
        raise InputError(f"task {task.name!r}: split: {task.split!r} has no examples")
    _check_columns(task, "columns", rows, [_column(task.columns["image"]), *_named(task)])
    pictures, places = _pictures(task, rows)
    facts = images.inspect(pictures, task.access.pixels)
    problems = facts["problem"]
    text = rows.select_columns(sorted({_column(each) for each in _named(task)}))
    found, picked, good = [], [], []
    for number, row in enumerate(text):
        if any(value(row, key) != wanted for key, wanted in task.where.items()):
            continue
        place = places[number]
        for example in examples(task, number, row, facts[place]):
            good.append(problems[place] == "")
            found.append(example)
            picked.append(place)
    used = sorted(set(picked))
    lacking = images.check(task, [f"image {i}" for i in used], [problems[i] for i in used])
    _check_count(task, len(found))
    if picked != list(range(len(pictures))):  # else nothing is copied
        pictures = pictures.select(picked)
    whole = concatenate_datasets([_table(found), pictures], axis=1)
    whole.info.description = lacking
    return whole.select([row for row, fine in enumerate(good) if fine]) if not all(good) else whole


def _rows(task: "Task") -> "Dataset":
    if task.source == "folder":
        return folder.load(task)
    return hub.load(task, task.hub["files"], task.access.stream)


def examples(
    task: "Task", number: int, row: Mapping[str, Any], image: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """What a row asks: one example for each of its questions."""
    get = {field: value(row, spec) for field, spec in task.columns.items() if field != "image"}
    questions = get["question"]
    if isinstance(task.columns["question"], list):  # several columns make one text
        questions = ["\n".join(each for each in map(_text, questions) if each)]
    answers = [_text(each) for each in get.get("answers") or ()]
    answer = get.get("answer")
    if answer is None and answers:
        answer = Counter(answers).most_common(1)[0][0]
    common = {
        "image_id": f"sha256-{image['digest'][:32]}",
        "answer": _word(task, "answer", answer),
        "answers": answers,
        "options": [each for each in map(_text, get.get("options") or task.options) if each],
        "box": _box(task, get.get("box"), image),
        "kind": _word(task, "kind", get.get("kind")),
    }
    for index, question in enumerate(questions if isinstance(questions, list) else [questions]):
        yield common | {"id": _identity(task, number, index), "question": _text(question)}


def value(row: Any, spec: Spec) -> Any:
    """What is at a path of names with dots; of a list, of each of its items. Of several paths, a
    list of what is at each."""
    if not isinstance(spec, str):
        return [value(row, each) for each in spec]
    for name in spec.split("."):
        row = [each[name] for each in row] if isinstance(row, list) else row[name]
    return row


def _text(thing: Any) -> str:
    """Missing options are None or, in some copies, the text "nan"."""
    return "" if thing is None or str(thing) == "nan" else str(thing).strip()


def _word(task: "Task", field: str, found: Any) -> str:
    """The source's word for a kind or an answer -> the card's."""
    words, text = task.words.get(field), _text(found)
    if words is None:
        return text
    if text not in words:
        raise InputError(f"task {task.name!r}: words.{field}: no {text!r} among {sorted(words)}")
    return words[text]


def _box(task: "Task", found: Any, image: Mapping[str, Any]) -> list[float]:
    """Pixels -> fractions of the sides, rounded as the card says; none of an unreadable image."""
    if found is None or not image["width"]:
        return []
    x1, y1, x2, y2 = json.loads(found) if isinstance(found, str) else found
    if task.box["order"] == "xywh":
        x2, y2 = x1 + x2, y1 + y2
    sides = (image["width"], image["height"]) * 2
    pairs = zip((x1, y1, x2, y2), sides, strict=True)
    return [round(min(1.0, max(0.0, each / side)), task.box["decimals"]) for each, side in pairs]


def _identity(task: "Task", row: int, index: int) -> str:
    """The same everywhere: a digest of task, data set, split, row and which of its questions."""
    source = task.hub or {"repo": None, "revision": None}
    parts = [task.name, source["repo"], source["revision"], task.split, row, index]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def _pictures(task: "Task", rows: "Dataset") -> tuple["Dataset", Sequence[int]]:
    """Images, and for each row which of them is its own."""
    column = task.columns["image"]
    if task.images is None or "files" not in task.images:
        return images.of_rows(task, rows, column), range(len(rows))
    pool = hub.load(task, task.images["files"])  # whole: in another order than the rows
    _check_columns(task, "images", pool, [task.images["id"], "image"])
    places = {name: place for place, name in enumerate(pool[task.images["id"]])}
    if missing := [name for name in rows[column] if name not in places]:
        raise InputError(f"task {task.name!r}: images: no {missing[0]!r} ({len(missing)} missing)")
    return pool.select_columns(["image"]), [places[name] for name in rows[column]]


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


def _check_count(task: "Task", found: int) -> None:
    if task.examples not in (None, found) and task.access.stream is None:
        log.warning("task %r: %d examples, the card says %d", task.name, found, task.examples)


def _table(found: list[dict[str, Any]]) -> "Dataset":
    from datasets import Dataset, Features, List, Value

    features = {name: Value("string") for name in TEXT}
    features |= {name: List(Value("string")) for name in ("answers", "options")}
    return Dataset.from_list(found, Features(features | {"box": List(Value("float32"))}))
