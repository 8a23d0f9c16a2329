"""The frozen evaluation sets as `datasets`: 1,000 questions a task over 500 images a split.

Images and questions are functions of the split's seed range. `digests.json` freezes them, so that a
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
    frozen = json.loads(files("prunescope.testbed").joinpath("digests.json").read_text())
    if (made := digest(rows)) != frozen[split][task]:
        raise InputError(
            f"testbed/digests.json: {split}.{task}: the generator makes {made}, frozen is "
            f"{frozen[split][task]}; scenes.py or questions.py changed what it must not"
        )
    return datasets.Dataset.from_list(
        [{**row, "image": Image.fromarray(row["image"])} for row in rows], features=FEATURES
    )


@cache
def scenes(split: str) -> tuple[Scene, ...]:
    """The split's first 500 scenes that allow two different questions of every task."""
    candidates = (make_scene(seed) for seed in SPLITS[split])
    fit = (s for s in candidates if all(len(_questions(s, task)) == PER_IMAGE for task in ASK))
    return tuple(islice(fit, IMAGES))


def digest(rows: list[dict]) -> str:
    """Of all values, images as their pixels."""
    state = hashlib.sha256()
    for row in rows:
        text = {name: value for name, value in row.items() if name != "image"}
        state.update(json.dumps(text, sort_keys=True).encode() + row["image"].tobytes())
    return state.hexdigest()[:16]


def _rows(split: str, task: str):
    for scene in scenes(split):
        image_id, pixels = f"{split}-{scene.seed}", scene.render()
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
    """Up to two questions of different text."""
    rng = np.random.default_rng((scene.seed, 2, list(ASK).index(task)))
    drawn = [q for _ in range(12) if (q := ASK[task](scene, rng))]
    distinct = {q.text: q for q in reversed(drawn)}
    return list(reversed(distinct.values()))[:PER_IMAGE]
