"""The frozen evaluation sets as `datasets`: 1,000 questions a task over 500 images a split.

Images and questions are functions of the seeds in `frozen.json`. Its digests freeze them, so that a
change of the generator cannot silently change what the shipped weights are scored on.
"""

import hashlib
import json
from functools import cache
from importlib.resources import files
from itertools import islice

import datasets
import numpy as np
from PIL import Image

from prunescope.errors import InputError
from prunescope.testbed.questions import ASK, Question
from prunescope.testbed.scenes import SPLITS, Scene, make_scene

IMAGES = 500
PER_IMAGE = 2  # different questions of a task about one image
EVALUATION_SPLITS = ("dev", "test")
FEATURES = datasets.Features(
    {
        "id": datasets.Value("string"),
        "image_id": datasets.Value("string"),
        "image": datasets.Image(),
        "question": datasets.Value("string"),
        "answer": datasets.Value("string"),
        "box": datasets.List(datasets.Value("float32")),
        "kind": datasets.Value("string"),
    }
)


def load(split: str, task: str) -> datasets.Dataset:
    """The 1,000 questions of a task, two per image in the images' order.

    InputError for an unknown split or task, or when the generator no longer makes the frozen set.
    """
    for what, name, known in (("split", split, EVALUATION_SPLITS), ("task", task, tuple(ASK))):
        if name not in known:
            raise InputError(f"testbed: {what} {name!r} is not one of {list(known)}")
    rows = list(_rows(split, task))
    if (made := digest(rows)) != (expected := _frozen()[split]["digests"][task]):
        raise InputError(
            f"testbed/frozen.json: {split}.digests.{task}: the generator makes {made}, frozen is "
            f"{expected}; scenes.py or questions.py changed what it must not"
        )
    return datasets.Dataset.from_list(
        [{**row, "image": Image.fromarray(row["image"])} for row in rows], features=FEATURES
    )


def choose_scenes(split: str) -> list[Scene]:
    """The split's first 500 scenes that allow two different questions of every task."""
    candidates = (make_scene(seed) for seed in SPLITS[split])
    fit = (s for s in candidates if all(len(_questions(s, task)) == PER_IMAGE for task in ASK))
    return list(islice(fit, IMAGES))


def freeze() -> dict[str, dict]:
    """What `frozen.json` holds: per split the seeds of its scenes and a digest per task."""
    frozen = {}
    for split in EVALUATION_SPLITS:
        seeds = [scene.seed for scene in choose_scenes(split)]
        digests = {task: digest(list(_rows(split, task, seeds))) for task in ASK}
        frozen[split] = {"digests": digests, "seeds": seeds}
    return frozen


@cache
def _frozen() -> dict[str, dict]:
    return json.loads(files("prunescope.testbed").joinpath("frozen.json").read_text())


def digest(rows: list[dict]) -> str:
    """Of all values, images as their pixels."""
    state = hashlib.sha256()
    for row in rows:
        text = {name: value for name, value in row.items() if name != "image"}
        state.update(json.dumps(text, sort_keys=True).encode() + row["image"].tobytes())
    return state.hexdigest()[:16]


def _rows(split: str, task: str, seeds: list[int] | None = None):
    for seed in seeds or _frozen()[split]["seeds"]:
        scene = make_scene(seed)
        image_id, pixels = f"{split}-{seed}", scene.render()
        for number, question in enumerate(_questions(scene, task)):
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
    rng = np.random.default_rng((scene.seed, 2, list(ASK).index(task)))
    questions: dict[str, Question] = {}
    for _ in range(12):
        if question := ASK[task](scene, rng):
            questions.setdefault(question.text, question)
        if len(questions) == PER_IMAGE:
            break
    return list(questions.values())
