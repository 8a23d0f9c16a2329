"""A few rows of every benchmark that has a card, made up, with the columns, types, files and
folders of the published ones."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, Image, List, Value
from PIL import Image as Picture

from prunescope import tasks

CARDS = Path(__file__).parents[1] / "data" / "tasks"
TEXT, WHOLE, REAL, FLAG = Value("string"), Value("int64"), Value("float64"), Value("bool")
SIZES = ((40, 30), (24, 24), (20, 36))  # width, height
# Number of examples of each card: rows, but for sentences (two or one) and what `where` leaves.
COUNTS = dict.fromkeys(["textvqa", "vqav2", "vizwiz", "vsr", "ai2d", "mmbench", "scienceqa"], 3)
COUNTS |= {"refcoco": 5, "refcoco-plus": 5, "refcocog": 5, "gqa": 4, "seed-image": 3}
COUNTS |= {"pope": 6, "mme": 6, "tallyqa": 3, "ocid-ref": 3}
INDEX = ("0", "1", "2", "1000002")  # of MMBench; the last is the third with its options rotated


def picture(number: int) -> Picture.Image:
    """Noise, the same for the same number."""
    width, height = SIZES[number % len(SIZES)]
    noise = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
    return Picture.fromarray(noise)


def read(
    name: str, access: dict[str, Any] | None, protocol: str | None = None, **changes: Any
) -> tasks.Task:
    """The task of a card of this repository. changes: fields that a test sets otherwise."""
    return replace(tasks.read_task(CARDS / f"{name}.yaml", protocol, access), **changes)


def write_all(root: Path) -> dict[str, Any]:
    """All benchmarks under `root`. Returns the fields of `Access` with which they are found."""
    for repo, files in parquet().items():
        for name, (rows, features) in files.items():
            path = root / repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Dataset.from_list(rows, Features(features)).to_parquet(path)
    write_lists(root)
    organisations = {repo.split("/")[0]: str(root / repo.split("/")[0]) for repo in parquet()}
    organisations["cambridgeltl"] = str(root / "cambridgeltl")
    return {"organisations": organisations, "folder": root / "downloads"}


def write_lists(root: Path) -> None:
    """What is no Parquet: JSON, and images in folders."""
    names = [f"{number:012}.jpg" for number in range(3)]
    said = {"image_link": "http://example.org", "relation": "on", "annotator_id": 1}
    said |= {"vote_true_validator_id": [1], "vote_false_validator_id": []}
    vsr = [
        {"image": n, "caption": "The cat is on it.", "label": i % 2} | said
        for i, n in enumerate(names)
    ]
    path = root / "cambridgeltl" / "vsr_zeroshot" / "test.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in vsr))
    tally = [
        {"answer": 5 * i, "data_source": "amt", "image": f"VG_100K/{n}", "image_id": i}
        | {"issimple": i > 0, "question": "How many cats?", "question_id": i}
        for i, n in enumerate(names)
    ]
    ocid = {
        str(i): {"scene_path": f"ARID20/rgb/{n}", "bbox": "[2, 3, 10, 12]", "take_id": 8 * i}
        | {"sentence": "the red box", "class": "box"}
        for i, n in enumerate(names)
    }
    downloads = root / "downloads"
    for name, rows in (("tallyqa/test.json", tally), ("ocid/val_expressions.json", ocid)):
        (downloads / name).parent.mkdir(parents=True, exist_ok=True)
        (downloads / name).write_text(json.dumps(rows))
    folders = [*("vsr", "tallyqa/VG_100K", "ocid/OCID-dataset/ARID20/rgb", "coco/train2014")]
    for folder in folders:
        (downloads / folder).mkdir(parents=True, exist_ok=True)
        for number, name in enumerate(names):
            picture(number).save(downloads / folder / name)


def parquet() -> dict[str, dict[str, tuple[list[dict[str, Any]], dict[str, Any]]]]:
    """By repository and file, rows and the types of their columns."""
    asked = {"question": TEXT, "image": Image()}
    three = [{"question": f"what is {n}", "image": picture(n)} for n in range(3)]
    ten = ["red"] * 4 + ["blue"] * 6
    mark = {"answer_confidence": "yes"}
    people = [{"answer": each, "answer_id": i} | mark for i, each in enumerate(ten)]
    letters = {letter: TEXT for letter in "ABCD"}
    options = {"A": "one", "B": "two", "C": "nan", "D": None}
    return {
        **{f"jxu124/{name}": {VALIDATION: referring(), TEST: referring()} for name in REFERRING},
        "lmms-lab/GQA": gqa(),
        "lmms-lab/textvqa": {
            "default/validation/0000.parquet": (
                [{**row, "answers": ten, "image_id": "x", "ocr_tokens": ["a"]} for row in three],
                asked | {"answers": List(TEXT), "image_id": TEXT, "ocr_tokens": List(TEXT)},
            )
        },
        "lmms-lab/VQAv2": {
            VALIDATION: (
                [
                    {**row, "multiple_choice_answer": "blue", "answers": people, "image_id": n}
                    | {"question_type": "what", "answer_type": "other", "question_id": n}
                    for n, row in enumerate(three)
                ],
                asked
                | {"question_type": TEXT, "multiple_choice_answer": TEXT, "answer_type": TEXT}
                | {"image_id": WHOLE, "question_id": WHOLE}
                | {"answers": [{"answer": TEXT, "answer_confidence": TEXT, "answer_id": WHOLE}]},
            )
        },
        "lmms-lab/VizWiz-VQA": {
            "data/val-00000-of-00001.parquet": (
                [{**row, "question_id": "x", "answers": ten, "category": "other"} for row in three],
                asked | {"question_id": TEXT, "answers": List(TEXT), "category": TEXT},
            )
        },
        "lmms-lab/POPE": {
            TEST: (
                [
                    {"id": str(n), "question_id": str(n), "question": "Is there a cat?"}
                    | {"answer": ["yes", "no"][n % 2], "image_source": "x"}
                    | {
                        "image": picture(n // 2),
                        "category": ["random", "popular", "adversarial"][n // 2],
                    }
                    for n in range(6)
                ],
                asked
                | {"id": TEXT, "question_id": TEXT, "answer": TEXT, "image_source": TEXT}
                | {"category": TEXT},
            )
        },
        "lmms-lab/ai2d": {
            TEST: (
                [{**row, "options": list("wxyz"), "answer": str(n)} for n, row in enumerate(three)],
                asked | {"options": List(TEXT), "answer": TEXT},
            )
        },
        "lmms-lab/MME": {
            TEST: (
                [
                    {"question_id": f"{n // 2}.png", "image": picture(n // 2), "category": "count"}
                    | {"question": "Two? Please answer yes or no.", "answer": ["Yes", "No"][n % 2]}
                    for n in range(6)
                ],
                asked | {"question_id": TEXT, "answer": TEXT, "category": TEXT},
            )
        },
        "lmms-lab/MMBench": {
            "en/dev-00000-of-00001.parquet": (
                [
                    {**row, **options, "index": INDEX[n], "answer": "AB"[n % 2], "category": "x"}
                    | {"hint": ["nan", "A hint.", None, None][n], "source": "x", "L2-category": "y"}
                    | {"comment": "nan", "split": "dev"}
                    for n, row in enumerate([*three, three[-1]])
                ],
                asked
                | letters
                | {name: TEXT for name in ("index", "hint", "answer", "category", "source")}
                | {name: TEXT for name in ("L2-category", "comment", "split")},
            )
        },
        "lmms-lab/ScienceQA": {
            "ScienceQA-IMG/test-00000-of-00001.parquet": (
                [
                    {**row, "choices": ["x", "y", "z"][: n + 1], "answer": n, "hint": ""}
                    | {name: "x" for name in SCHOOL}
                    for n, row in enumerate(three)
                ],
                asked
                | {"choices": List(TEXT), "answer": Value("int8"), "hint": TEXT}
                | {name: TEXT for name in SCHOOL},
            )
        },
        "lmms-lab/SEED-Bench": {
            TEST: (
                [
                    {"image": [picture(n)] * (1 + (n == 3)), "question": "What?", "answer": "A"}
                    | {f"choice_{letter}": letter for letter in "abcd"}
                    | {"data_type": "video" if n == 3 else "image", "data_id": str(n)}
                    | {"question_id": str(n), "question_type_id": n, "segment": [1]}
                    for n in range(4)
                ],
                {"image": List(Image()), "question": TEXT, "answer": TEXT, "data_type": TEXT}
                | {f"choice_{letter}": TEXT for letter in "abcd"}
                | {"data_id": TEXT, "question_id": TEXT, "question_type_id": Value("int16")}
                | {"segment": List(WHOLE)},
            )
        },
    }


VALIDATION, TEST = "data/validation-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"
REFERRING = ("refcoco", "refcocoplus", "refcocog")
SCHOOL = ("task", "grade", "subject", "topic", "category", "skill", "lecture", "solution")


def referring() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Objects with one or two sentences each; the paths of their images."""
    said = [["the left cat", "a cat"], ["right dog"], ["box", "blue box"]]
    rows = [
        {
            "sent_ids": [2 * n], "file_name": "x", "ann_id": n, "ref_id": n, "image_id": n,
            "split": "val", "category_id": 1, "raw_anns": "{}", "raw_image_info": "{}",
            "raw_sentences": "[]", "captions": sentences, "global_image_id": f"coco.{n}",
            "sentences": [
                {"raw": each.upper(), "sent": each, "sent_id": i, "tokens": each.split()}
                for i, each in enumerate(sentences)
            ],
            "image_path": f"coco/train2014/{n:012}.jpg", "bbox": [4.0, 6.0, 10.0, 12.0],
        }
        for n, sentences in enumerate(said)
    ]  # fmt: skip
    numbers = {name: WHOLE for name in ("ann_id", "ref_id", "image_id", "category_id")}
    texts = ("file_name", "split", "raw_anns", "raw_image_info", "raw_sentences", "image_path")
    sentence = {"raw": TEXT, "sent": TEXT, "sent_id": WHOLE, "tokens": List(TEXT)}
    lists = {"sent_ids": List(WHOLE), "captions": List(TEXT), "bbox": List(REAL)}
    types = numbers | {name: TEXT for name in (*texts, "global_image_id")} | lists
    return rows, types | {"sentences": [sentence]}


def gqa() -> dict[str, tuple[list[dict[str, Any]], dict[str, Any]]]:
    """Questions, and apart from them the images, in another order."""
    kinds = {"detailed": "x", "semantic": "attr"}
    questions = [
        {"id": str(n), "imageId": f"n{n % 2}", "question": "Which?", "answer": "left"}
        | {"fullAnswer": "It is left.", "isBalanced": True}
        | {"types": {"structural": ["query", "verify"][n % 2], **kinds}}
        for n in range(4)
    ]
    texts = {name: TEXT for name in ("id", "imageId", "question", "answer", "fullAnswer")}
    types = {name: TEXT for name in ("structural", "semantic", "detailed")}
    pictures = [{"id": f"n{n}", "image": picture(n)} for n in (1, 0)]
    folder = "testdev_balanced_{}/testdev-00000-of-00001.parquet".format
    return {
        folder("instructions"): (questions, texts | {"isBalanced": FLAG, "types": types}),
        folder("images"): (pictures, {"id": TEXT, "image": Image()}),
    }
