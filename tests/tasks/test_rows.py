"""Rows that cannot be asked or judged: they are left out, listed, and counted."""

import json

import pytest
from datasets import Dataset, Features

from helpers.tiny_benchmarks import COUNTS, TEST, VALIDATION, parquet, read, write_all
from prunescope.errors import InputError
from prunescope.tasks import prompts
from prunescope.tasks.examples import inventory, load_examples
from prunescope.tasks.sources import fields
from prunescope.tasks.sources.unusable import UnusableRow

pytestmark = pytest.mark.usefixtures("offline")
FILES = {
    "ai2d": ("lmms-lab/ai2d", TEST),
    "gqa": ("lmms-lab/GQA", "testdev_balanced_instructions/testdev-00000-of-00001.parquet"),
    "mmbench": ("lmms-lab/MMBench", "en/dev-00000-of-00001.parquet"),
    "mme": ("lmms-lab/MME", TEST),
    "refcoco": ("jxu124/refcoco", VALIDATION),
    "scienceqa": ("lmms-lab/ScienceQA", "ScienceQA-IMG/test-00000-of-00001.parquet"),
    "textvqa": ("lmms-lab/textvqa", "default/validation/0000.parquet"),
    "vizwiz": ("lmms-lab/VizWiz-VQA", "data/val-00000-of-00001.parquet"),
    "vqav2": ("lmms-lab/VQAv2", VALIDATION),
}
LISTS = {"tallyqa": "tallyqa/test.json", "ocid-ref": "ocid/val_expressions.json"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("whole"))


def changed(root, name, number, **changes):
    """Access to benchmarks in which one row is changed; half of the rows may be unusable."""
    access = write_all(root) | {"unreadable": 0.5}
    if name in LISTS:
        path = root / "downloads" / LISTS[name]
        rows = json.loads(path.read_text())
        rows[number if isinstance(rows, list) else str(number)] |= changes
        path.write_text(json.dumps(rows))
    else:
        repo, file = FILES[name]
        rows, features = parquet()[repo][file]
        rows[number] |= changes
        Dataset.from_list(rows, Features(features)).to_parquet(root / repo / file)
    return access


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("textvqa", {"answers": []}, "there are no answers"),
        ("textvqa", {"answers": None}, "there are no answers"),
        ("textvqa", {"answers": ["", None]}, "there are no answers"),
        ("vqav2", {"answers": None}, "there is no answers.answer"),
        ("textvqa", {"question": None}, "there is no question"),
        ("textvqa", {"question": "  "}, "there is no question"),
        ("mmbench", {"question": None, "hint": "A hint."}, "there is no question"),
        ("refcoco", {"sentences": None}, "there is no sentences.sent"),
        ("refcoco", {"sentences": []}, "there is no question"),
        ("gqa", {"types": None}, "there is no types.structural"),
        ("gqa", {"answer": "?"}, "there is no answer"),
        ("gqa", {"imageId": "n9"}, "there is no such image"),
        ("gqa", {"imageId": None}, "there is no such image"),
        ("refcoco", {"image_path": None}, "there is no image"),
        ("refcoco", {"image_path": "x.jpg"}, "FileNotFoundError: No such file or directory"),
        ("tallyqa", {"image": None}, "there is no image"),
        ("tallyqa", {"answer": None}, "there is no answer"),
        ("mme", {"answer": "maybe"}, "the answer is not yes or no"),
        ("ai2d", {"options": []}, "there are no options"),
        ("ai2d", {"options": None}, "there are no options"),
        ("ai2d", {"options": ["", "nan"]}, "there are no options"),
        ("ai2d", {"options": ["x", "", "y"]}, "an option before the last is empty"),
        ("mmbench", {"B": "nan", "C": "three"}, "an option before the last is empty"),
        ("ai2d", {"answer": "3", "options": ["x", "y"]}, "answer 'D' is no option"),
        ("scienceqa", {"answer": None}, "there is no answer"),
        ("mmbench", {"answer": None}, "answer '' is no option"),
        ("refcoco", {"bbox": None}, "there is no box"),
        ("refcoco", {"bbox": [1.0, 2.0, 3.0]}, "box [1.0, 2.0, 3.0]: it is not four numbers"),
        ("refcoco", {"bbox": [1.0, None, 3.0, 4.0]}, "it is not four numbers"),
        ("refcoco", {"bbox": [1.0, float("nan"), 3.0, 4.0]}, "it is not four numbers"),
        ("refcoco", {"bbox": [3.0, 2.0, 1.0, 4.0]}, "nothing of it is in the image"),
        ("refcoco", {"bbox": [50.0, 2.0, 60.0, 4.0]}, "nothing of it is in the image"),
        ("ocid-ref", {"bbox": "a box"}, "box a box: it is not four numbers"),
        ("ocid-ref", {"bbox": "[1, 2, 3]"}, "box [1, 2, 3]: it is not four numbers"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out(tmp_path, caplog, whole, name, changes, reason):
    examples = load_examples(read(name, changed(tmp_path, name, 1, **changes)))
    before = load_examples(read(name, whole))
    # the second row of RefCOCO has one sentence, too
    others = [row for row, name in enumerate(before["id"]) if name in set(examples["id"])]
    assert len(others) == len(examples) == COUNTS[name] - 1
    assert examples["image_id"][:] == before.select(others)["image_id"][:]
    seen, expected = prompts.pictures(examples), prompts.pictures(before.select(others))
    assert [image.tobytes() for image in seen] == [image.tobytes() for image in expected]
    rows = {"refcoco": 3}.get(name, COUNTS[name])
    note = examples.info.description
    assert note.startswith(f"task '{name}': 1 of {rows} rows cannot be used: row 1")
    assert note.endswith(f"{reason}; they are left out") and note in caplog.text


def test_too_many_unusable_rows_stop_the_task(tmp_path):
    access = changed(tmp_path, "vizwiz", 1, answers=[]) | {"unreadable": 0.3}
    with pytest.raises(InputError, match=r"row 1: there are no answers; more than .* = 30\.00%"):
        load_examples(read("vizwiz", access))


@pytest.mark.parametrize("box", ["(2,3,10,12)", "[2 3 10 12]", " [2.0, 3, 10,12 ] "])
def test_boxes_are_read_however_they_are_punctuated(tmp_path, box):
    examples = load_examples(read("ocid-ref", changed(tmp_path, "ocid-ref", 0, bbox=box)))
    assert examples["box"][0] == pytest.approx([0.05, 0.1, 0.25, 0.4])


def test_a_box_is_cut_at_the_edges_of_its_image(tmp_path):
    access = changed(tmp_path, "refcoco", 0, bbox=[-4.0, 15.0, 20.0, 31.0])
    assert load_examples(read("refcoco", access))["box"][0] == pytest.approx([0, 0.5, 0.5, 1])


def test_only_options_and_hints_call_nan_nothing(tmp_path):
    asked = load_examples(read("mmbench", changed(tmp_path, "mmbench", 0, question="nan")))
    assert asked["question"][0] == "nan" and asked["options"][0] == ["one", "two"]
    people = load_examples(read("vizwiz", changed(tmp_path, "vizwiz", 0, answers=["nan"] * 10)))
    assert people["answers"][0] == ["nan"] * 10


def test_what_should_be_a_list_is_not_taken_apart(tmp_path):
    task = read("ai2d", write_all(tmp_path))
    with pytest.raises(UnusableRow, match="options: 'wxyz' is no list"):
        row = {"question": "what", "options": "wxyz", "answer": "0"}
        image = {"problem": "", "digest": "", "width": 1, "height": 1}
        list(fields.row_examples(task, 0, row, image))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"info": {}, "annotations": [{}]}, r"1 of 2 are none, such as \[\{\}\]"),
        (["a", "b"], "2 of 2 are none, such as 'a'"),
        (7, "and is 7"),
        ([{"image": 1}, {"image": "x"}], "with one type in each column: "),
        ([{"image": "x"}, 5], "1 of 2 are none, such as 5"),
    ],
)
def test_a_file_that_is_no_list_of_rows_is_named(tmp_path, content, expected):
    access = write_all(tmp_path)
    (tmp_path / "downloads" / LISTS["tallyqa"]).write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"test\.json: it must be a list of rows.*{expected}"):
        load_examples(read("tallyqa", access))


def damaged(root):
    """Access to a TallyQA of 12 rows; seven have no image or a damaged one."""
    access = write_all(root) | {"unreadable": 0.6}
    path = root / "downloads" / LISTS["tallyqa"]
    rows = [dict(row) for row in json.loads(path.read_text()) * 4]
    for row, image in ((1, None), (4, "gone.jpg"), (7, "broken.jpg")):
        rows[row]["image"] = image
    path.write_text(json.dumps(rows))
    pictures = root / "downloads" / "tallyqa"
    (pictures / "broken.jpg").write_bytes(b"no image")
    cut = pictures / "VG_100K" / f"{0:012}.jpg"
    cut.write_bytes(cut.read_bytes()[:300])
    return access


def test_rows_left_out_are_listed_equally_on_all_machines(tmp_path):
    first, second = (
        inventory(read("tallyqa", damaged(tmp_path / name), examples=None))
        for name in ("first", "second")
    )
    assert first == second
    left_out = {row["row"]: (row["image"], row["reason"]) for row in first["left_out_rows"]}
    assert list(left_out) == [0, 1, 3, 4, 6, 7, 9] and first["examples"] == 5
    assert left_out[1] == ("", "there is no image")
    assert left_out[4] == ("gone.jpg", "FileNotFoundError: No such file or directory")
    assert left_out[7] == ("broken.jpg", "it is no image of a known format")
    assert left_out[9][0] == "VG_100K/000000000000.jpg" and left_out[9][1].startswith("OSError: ")
    assert "7 of 12 rows cannot be used: row 0 (VG_100K" in first["left_out"]
    assert first["left_out"].count("row ") == 5 and "; ...; they" in first["left_out"]


@pytest.mark.parametrize("index", ["no number", None])
def test_what_is_to_be_below_a_limit_is_a_number(tmp_path, index):
    facts = inventory(read("mmbench", changed(tmp_path, "mmbench", 1, index=index)))
    [left] = facts["left_out_rows"]
    assert left["row"] == 1 and left["reason"] == f"{index!r} is no number"


def test_a_split_without_usable_rows_is_refused(tmp_path):
    task = read("seed-image", write_all(tmp_path), where={"data_type": "sound"})
    with pytest.raises(InputError, match="split: 'test' has no examples"):
        inventory(task)
