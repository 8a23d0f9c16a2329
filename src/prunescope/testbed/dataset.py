"""The frozen evaluation sets as `datasets`: 1,000 questions a task over 500 images a split.

The images and questions are functions of the split's seed range; `DIGESTS` freezes them, so that a
change of the generator cannot silently change what the shipped weights are scored on.
"""

import hashlib
import json

import datasets
import numpy as np

from prunescope.errors import InputError
from prunescope.testbed.questions import ASK, Question
from prunescope.testbed.scenes import SPLITS, Scene, make_scene

IMAGES = 500
QUESTIONS_PER_IMAGE = 2
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
DIGESTS = {}


def evaluation_questions(split: str, task: str) -> list[tuple[Scene, list[Question]]]:
    """The split's 500 scenes in seed order, each with its two different questions of `task`."""
    found: list[tuple[Scene, list[Question]]] = []
    for seed in SPLITS[split]:
        scene = make_scene(seed)
        rng = np.random.default_rng((seed, 2, list(ASK).index(task)))
        questions = _distinct(scene, task, rng)
        if len(questions) == QUESTIONS_PER_IMAGE:
            found.append((scene, questions))
        if len(found) == IMAGES:
            return found
    raise AssertionError("a split's seed range holds far more than 500 scenes")


def _distinct(scene: Scene, task: str, rng: np.random.Generator) -> list[Question]:
    """Two questions of different text; a scene that has fewer is skipped for this task."""
    questions: dict[str, Question] = {}
    for _ in range(20):
        question = ASK[task](scene, rng)
        if question and len(questions) < QUESTIONS_PER_IMAGE:
            questions.setdefault(question.text, question)
    return list(questions.values())


def _digest(rows: list[dict]) -> str:
    hasher = hashlib.sha256()
    for row in rows:
        plain = {k: v for k, v in row.items() if k != "image"}
        hasher.update(json.dumps(plain, sort_keys=True).encode() + row["image"].tobytes())
    return hasher.hexdigest()[:16]
