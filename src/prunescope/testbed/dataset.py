"""The frozen evaluation sets: 1,000 questions a task, about 500 images a split.

Images and questions follow from the seeds in `frozen.json`. The digests in that file freeze them: a
change of the generator cannot silently change what the shipped weights are scored on. The same
questions come in two wordings: "terse" for decoders of 74 words, "natural" for those that have read
text (see `phrasings`).
"""

import hashlib
import io
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from prunescope.errors import InputError
from prunescope.testbed.phrasings import phrase
from prunescope.testbed.questions import ASK, Question
from prunescope.testbed.scenes import SPLITS, Scene, make_scene

if TYPE_CHECKING:
    from datasets import Dataset, Features

IMAGES = 500  # images of a split
PER_IMAGE = 2  # different questions of a task about one image
# what the second number of a generator's seed is for; scenes.py uses 0 and 1
QUESTION_DRAWS, PHRASING_DRAWS = 2, 3
DRAWS = 12  # most questions drawn until two differ
EVALUATION_SPLITS = ("dev", "test")
WORDINGS = ("terse", "natural")


def load_questions(split: str, task: str, wording: str = "terse") -> "Dataset":
    """The 1,000 questions of a task, two about each image, in the images' order.

    wording: one of WORDINGS. InputError for an unknown split, task or wording, or when the
    generator no longer makes the frozen set.
    """
    from datasets import Dataset

    choices = {"split": (split, EVALUATION_SPLITS), "task": (task, tuple(ASK))}
    for key, (name, allowed) in (choices | {"wording": (wording, WORDINGS)}).items():
        if name not in allowed:
            raise InputError(f"testbed: {key} {name!r} is not one of {list(allowed)}")
    rows = list(_rows(split, task, wording))
    expected = _frozen()[split]["digests"][wording][task]
    if (actual := questions_digest(rows)) != expected:
        raise InputError(
            f"testbed/frozen.json: {split}.digests.{wording}.{task}: the generator makes {actual}, "
            f"frozen is {expected}; scenes.py, questions.py or phrasings.py changed what must stay"
        )
    # Questions about one image are neighbours and share its pixels: each image is encoded once.
    images = {row["image_id"]: row["image"] for row in rows}
    stored = {name: _encoded(pixels) for name, pixels in images.items()}
    rows = [{**row, "image": stored[row["image_id"]]} for row in rows]
    return Dataset.from_list(rows, features=column_types())


def _encoded(pixels: np.ndarray) -> dict[str, Any]:
    """An image as datasets stores it, as a BMP.

    A PNG would save a quarter of the bytes, since scenes are noisy, for 30 times the time.
    """
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "BMP")
    return {"bytes": file.getvalue(), "path": None}


def column_types() -> "Features":
    """Types of the columns, with `box` as fractions (x1, y1, x2, y2) or empty."""
    from datasets import Features, Image, List, Value

    text = {name: Value("string") for name in ("id", "image_id")}
    question_types = {name: Value("string") for name in ("question", "answer")}
    box = {"box": List(Value("float32"))}
    return Features(text | {"image": Image()} | question_types | box | {"kind": Value("string")})


def choose_scenes(split: str) -> list[Scene]:
    """The split's first 500 scenes that allow two different questions of every task."""
    scenes = (make_scene(seed) for seed in SPLITS[split])
    suitable = (
        scene for scene in scenes if all(len(_questions(scene, task)) == PER_IMAGE for task in ASK)
    )
    return list(islice(suitable, IMAGES))


def freeze() -> dict[str, dict]:
    """Content of `frozen.json`: seeds of each split's scenes, digests by wording and task."""
    frozen = {}
    for split in EVALUATION_SPLITS:
        seeds = [scene.seed for scene in choose_scenes(split)]
        digests = {
            wording: {
                task: questions_digest(list(_rows(split, task, wording, seeds))) for task in ASK
            }
            for wording in WORDINGS
        }
        frozen[split] = {"digests": digests, "seeds": seeds}
    return frozen


@cache
def _frozen() -> dict[str, dict]:
    return json.loads(files("prunescope.testbed").joinpath("frozen.json").read_text())


def questions_digest(rows: list[dict[str, Any]]) -> str:
    """Digest of all values of the rows; of an image, its pixels."""
    state = hashlib.sha256()
    for row in rows:
        text = {name: value for name, value in row.items() if name != "image"}
        state.update(json.dumps(text, sort_keys=True).encode() + row["image"].tobytes())
    return state.hexdigest()[:16]


def _rows(
    split: str, task: str, wording: str, seeds: list[int] | None = None
) -> Iterator[dict[str, Any]]:
    for seed in seeds or _frozen()[split]["seeds"]:
        scene = make_scene(seed)
        image_id, pixels = f"{split}-{seed}", scene.render()
        for number, question in enumerate(_questions(scene, task)):
            if wording == "natural":
                question = phrase(question, _draws_of(scene, PHRASING_DRAWS, task, number))
            yield {
                "id": f"{image_id}-{task}-{number}",
                "image_id": image_id,
                "image": pixels,
                "question": question.text,
                "answer": question.answer,
                "box": list(question.box or ()),
                "kind": question.kind,
            }


def _questions(scene: Scene, task: str) -> list[Question]:
    """Up to two questions of different text, from a dozen draws."""
    rng = _draws_of(scene, QUESTION_DRAWS, task)
    questions: dict[str, Question] = {}
    for _ in range(DRAWS):
        if question := ASK[task](scene, rng):
            questions.setdefault(question.text, question)
        if len(questions) == PER_IMAGE:
            break
    return list(questions.values())


def _draws_of(scene: Scene, purpose: int, task: str, *numbers: int) -> np.random.Generator:
    return np.random.default_rng((scene.seed, purpose, list(ASK).index(task), *numbers))
