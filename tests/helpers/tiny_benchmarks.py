"""Made-up rows of every benchmark with a card: published columns, types, files and folders."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, Image, List, Value
from PIL import Image as Picture

from prunescope.tasks import card

CARDS = Path(__file__).parents[2] / "data" / "tasks"
TEXT, WHOLE, REAL, FLAG = Value("string"), Value("int64"), Value("float64"), Value("bool")
SIZES = ((40, 30), (24, 24), (20, 36))  # width, height
# Examples of each card. A row of RefCOCO has one or two sentences; `where` leaves out some rows.
COUNTS = dict.fromkeys(["textvqa", "vqav2", "vizwiz", "vsr", "ai2d", "mmbench", "scienceqa"], 3)
COUNTS |= {"refcoco": 5, "refcoco-plus": 5, "refcocog": 5, "gqa": 4, "seed-image": 3}
COUNTS |= {"pope": 6, "mme": 6, "tallyqa": 3, "ocid-ref": 3}
# Files of a repository, by name: rows, and the types of their columns.
Files = dict[str, tuple[list[dict[str, Any]], dict[str, Any]]]
VALIDATION, TEST = "data/validation-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"
REFERRING = ("refcoco", "refcocoplus", "refcocog")
SCHOOL = ("task", "grade", "subject", "topic", "category", "skill", "lecture", "solution")
QUESTION_TYPES = {"question": TEXT, "image": Image()}
TEN = ["red"] * 4 + ["blue"] * 6  # answers of ten people


def picture(number: int) -> Picture.Image:
    """An image of noise, determined by the number."""
    width, height = SIZES[number % len(SIZES)]
    noise = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
    return Picture.fromarray(noise)


def read(
    name: str, access: dict[str, Any] | None, protocol: str | None = None, **changes: Any
) -> card.Task:
    """The task of a card of this repository; changes: fields to replace."""
    return replace(card.read_task(CARDS / f"{name}.yaml", protocol, access), **changes)


def write_all(root: Path) -> dict[str, Any]:
    """Write all benchmarks under `root`; returns the fields of `Access` that find them."""
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
    """Write the JSON files, and the images in folders."""
    names = [f"{number:012}.jpg" for number in range(3)]
    others = {"image_link": "http://example.org", "relation": "on", "annotator_id": 1}
    others |= {"vote_true_validator_id": [1], "vote_false_validator_id": []}
    vsr = [
        {"image": n, "caption": "The cat is on it.", "label": i % 2} | others
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


def parquet() -> dict[str, Files]:
    """Parquet files of every repository."""
    return {
        **{f"jxu124/{name}": {VALIDATION: referring(), TEST: referring()} for name in REFERRING},
        "lmms-lab/GQA": gqa(),
        "lmms-lab/textvqa": textvqa(),
        "lmms-lab/VQAv2": vqav2(),
        "lmms-lab/VizWiz-VQA": vizwiz(),
        "lmms-lab/POPE": pope(),
        "lmms-lab/ai2d": ai2d(),
        "lmms-lab/MME": mme(),
        "lmms-lab/MMBench": mmbench(),
        "lmms-lab/ScienceQA": scienceqa(),
        "lmms-lab/SEED-Bench": seed(),
    }


def referring() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Objects with one or two sentences, and paths of images."""
    captions = [["the left cat", "a cat"], ["right dog"], ["box", "blue box"]]
    rows = [
        {
            "sent_ids": [2 * n], "file_name": "x", "ann_id": n, "ref_id": n, "image_id": n,
            "split": "val", "category_id": 1, "raw_anns": "{}", "raw_image_info": "{}",
            "raw_sentences": "[]", "captions": sentences, "global_image_id": f"coco.{n}",
            "sentences": [
                {"raw": text.upper(), "sent": text, "sent_id": i, "tokens": text.split()}
                for i, text in enumerate(sentences)
            ],
            "image_path": f"coco/train2014/{n:012}.jpg", "bbox": [4.0, 6.0, 10.0, 12.0],
        }
        for n, sentences in enumerate(captions)
    ]  # fmt: skip
    numbers = {name: WHOLE for name in ("ann_id", "ref_id", "image_id", "category_id")}
    texts = ("file_name", "split", "raw_anns", "raw_image_info", "raw_sentences", "image_path")
    sentence = {"raw": TEXT, "sent": TEXT, "sent_id": WHOLE, "tokens": List(TEXT)}
    lists = {"sent_ids": List(WHOLE), "captions": List(TEXT), "bbox": List(REAL)}
    types = numbers | {name: TEXT for name in (*texts, "global_image_id")} | lists
    return rows, types | {"sentences": [sentence]}


def gqa() -> Files:
    """Questions in one file, images in another order in a second one."""
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


def questions() -> list[dict[str, Any]]:
    """Three rows of the columns QUESTION_TYPES."""
    return [{"question": f"what is {n}", "image": picture(n)} for n in range(3)]


def textvqa() -> Files:
    others = {"answers": TEN, "image_id": "x", "ocr_tokens": ["a"]}
    types = {"answers": List(TEXT), "image_id": TEXT, "ocr_tokens": List(TEXT)}
    rows = [row | others for row in questions()]
    return {"default/validation/0000.parquet": (rows, QUESTION_TYPES | types)}


def vqav2() -> Files:
    people = [
        {"answer": text, "answer_confidence": "yes", "answer_id": i} for i, text in enumerate(TEN)
    ]
    others = {"multiple_choice_answer": "blue", "answers": people}
    others |= {"question_type": "what", "answer_type": "other"}
    rows = [row | others | {"image_id": n, "question_id": n} for n, row in enumerate(questions())]
    types = {name: TEXT for name in ("multiple_choice_answer", "question_type", "answer_type")}
    types |= {"image_id": WHOLE, "question_id": WHOLE}
    types |= {"answers": [{"answer": TEXT, "answer_confidence": TEXT, "answer_id": WHOLE}]}
    return {VALIDATION: (rows, QUESTION_TYPES | types)}


def vizwiz() -> Files:
    others = {"question_id": "x", "answers": TEN, "category": "other"}
    types = {"question_id": TEXT, "answers": List(TEXT), "category": TEXT}
    rows = [row | others for row in questions()]
    return {"data/val-00000-of-00001.parquet": (rows, QUESTION_TYPES | types)}


def pope() -> Files:
    """Two questions about each image."""
    kinds = ("random", "popular", "adversarial")
    rows = [
        {"id": str(n), "question_id": str(n), "question": "Is there a cat?", "image_source": "x"}
        | {"answer": ["yes", "no"][n % 2], "image": picture(n // 2), "category": kinds[n // 2]}
        for n in range(6)
    ]
    texts = ("id", "question_id", "answer", "image_source", "category")
    return {TEST: (rows, QUESTION_TYPES | {name: TEXT for name in texts})}


def ai2d() -> Files:
    rows = [row | {"options": list("wxyz"), "answer": str(n)} for n, row in enumerate(questions())]
    return {TEST: (rows, QUESTION_TYPES | {"options": List(TEXT), "answer": TEXT})}


def mme() -> Files:
    """Two questions about each image."""
    rows = [
        {"question_id": f"{n // 2}.png", "image": picture(n // 2), "category": "count"}
        | {"question": "Two? Please answer yes or no.", "answer": ["Yes", "No"][n % 2]}
        for n in range(6)
    ]
    return {TEST: (rows, QUESTION_TYPES | {"question_id": TEXT, "answer": TEXT, "category": TEXT})}


def mmbench() -> Files:
    """Questions with and without a hint; the last row repeats the third with rotated options."""
    first, second, third = questions()
    index, hints = ("0", "1", "2", "1000002"), ("nan", "A hint.", None, None)
    same = {"A": "one", "B": "two", "C": "nan", "D": None, "category": "x", "source": "x"}
    same |= {"L2-category": "y", "comment": "nan", "split": "dev"}
    rows = [
        row | same | {"index": index[n], "hint": hints[n], "answer": "AB"[n % 2]}
        for n, row in enumerate([first, second, third, third])
    ]
    types = {name: TEXT for name in (*same, "index", "hint", "answer")}
    return {"en/dev-00000-of-00001.parquet": (rows, QUESTION_TYPES | types)}


def scienceqa() -> Files:
    """Questions with one to three choices."""
    others = {"hint": ""} | {name: "x" for name in SCHOOL}
    rows = [
        row | others | {"choices": ["x", "y", "z"][: n + 1], "answer": n}
        for n, row in enumerate(questions())
    ]
    types = {name: TEXT for name in others} | {"choices": List(TEXT), "answer": Value("int8")}
    return {"ScienceQA-IMG/test-00000-of-00001.parquet": (rows, QUESTION_TYPES | types)}


def seed() -> Files:
    """Rows with a list of images; the last row is of a video."""
    choices = {f"choice_{letter}": letter for letter in "abcd"}
    rows = [
        {"image": [picture(n)] * (1 + (n == 3)), "question": "What?", "answer": "A", "segment": [1]}
        | {"data_type": "video" if n == 3 else "image", "data_id": str(n), "question_id": str(n)}
        | {"question_type_id": n}
        | choices
        for n in range(4)
    ]
    texts = ("question", "answer", "data_type", "data_id", "question_id", *choices)
    lists = {"image": List(Image()), "segment": List(WHOLE)}
    types = {name: TEXT for name in texts} | lists | {"question_type_id": Value("int16")}
    return {TEST: (rows, types)}
