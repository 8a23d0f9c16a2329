"""Every card of a benchmark, from rows in the published layout to records, without a network."""

import errno
import json
import runpy
import shutil
from dataclasses import replace
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from datasets import Dataset, Features
from datasets.exceptions import DatasetNotFoundError

from helpers.chat_model import save_model
from helpers.tiny_benchmarks import CARDS, COUNTS, TEST, parquet, picture, read, write_all
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.evaluation import answerer
from prunescope.evaluation.evaluate import evaluate
from prunescope.methods import parse_methods
from prunescope.pruning import prune
from prunescope.records.store import RecordStore
from prunescope.report.notes import left_out
from prunescope.tasks import encoding, prompts, subset
from prunescope.tasks.examples import data_digest, inventory, load_examples

pytestmark = pytest.mark.usefixtures("offline")
ROOT = CARDS.parents[1]
NAMES = sorted(COUNTS)
METHODS = parse_methods(
    {
        "unpruned": [],
        "fastv": [{"layer": 2, "remove": 0.75, "score": {"attention": {"rope": True}}}],
    },
    "test",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmarks")
    write_all(folder)
    return folder


@pytest.fixture(scope="module")
def access(root):
    return write_all(root)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return Checkpoint("tiny", save_model(tmp_path_factory.mktemp("model")))


write_inventory = runpy.run_path(str(ROOT / "workflow" / "scripts" / "data.py"))["make"]


def test_every_benchmark_has_rows_here():
    cards = [yaml.safe_load(path.read_text()) for path in CARDS.glob("*.yaml")]
    assert sorted(card["name"] for card in cards if card["source"] != "testbed") == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_card_runs_from_rows_to_records(name, access, checkpoint, tmp_path):
    task = read(name, access)
    examples = load_examples(task)
    assert len(examples) == len(set(examples["id"])) == COUNTS[name]
    task = replace(task, max_new_tokens=min(4, task.max_new_tokens))
    records = evaluate(checkpoint, task, METHODS, RecordStore(tmp_path), batch_size=2).to_pylist()
    assert len(records) == COUNTS[name] * len(METHODS)
    for record in records:
        assert 0 <= record["score"] <= 1
        assert len(record["target_box"]) == (4 if task.localization else 0)
    if "choice" in task.to_dict()["metric"]:
        assert not any(record["invalid"] for record in records)
    again = load_examples(read(name, access))
    assert again["id"] == examples["id"] and again["image_id"] == examples["image_id"]


@pytest.mark.parametrize("name", NAMES)
def test_all_protocols_of_a_card_make_prompts(name, access, checkpoint):
    processor = checkpoint.load().processor
    for protocol in yaml.safe_load((CARDS / f"{name}.yaml").read_text())["protocols"]:
        task = read(name, access, protocol)
        examples = load_examples(task, 2)
        inputs = prompts.prompts(examples, task, processor)
        assert (inputs["input_ids"] == processor.image_token_id).sum(1).tolist() == [36] * len(
            examples
        )


def test_a_row_with_several_sentences_is_an_example_of_each(access):
    examples = load_examples(read("refcoco", access))
    assert examples["question"][:] == ["the left cat", "a cat", "right dog", "box", "blue box"]
    assert len(set(examples["image_id"])) == 3 and len(set(examples["id"])) == 5
    assert [image.size for image in prompts.pictures(examples)[:2]] == [(40, 30)] * 2
    # 4, 6, 10, 12 of 40 x 30 pixels, rounded as the paper does
    assert examples["box"][0] == pytest.approx([0.1, 0.2, 0.25, 0.4])


def test_questions_find_their_images_in_other_files(access):
    examples = load_examples(read("gqa", access))
    sizes = [image.size for image in prompts.pictures(examples)]
    assert sizes == [picture(0).size, picture(1).size] * 2
    assert examples["kind"][:2] == ["query", "verify"]


def test_what_the_cards_make_of_answers_and_options(access):
    tally, vsr, bench = (
        load_examples(read(name, access)) for name in ("tallyqa", "vsr", "mmbench")
    )
    assert tally["answer"][:] == ["A", "F", "K"] and tally["kind"][:2] == ["complex", "simple"]
    assert vsr["answer"][:] == ["False", "True", "False"]
    assert bench["options"][0] == ["one", "two"]
    assert bench["question"][:] == ["what is 0", "A hint.\nwhat is 1", "what is 2"]
    assert load_examples(read("vizwiz", access))["answer"][0] == "blue"
    assert load_examples(read("seed-image", access))["kind"][:] == ["0", "1", "2"]
    assert load_examples(read("ocid-ref", access))["kind"][:] == ["minimum", "minimum", "medium"]


def test_prompts_are_word_for_word_those_of_the_paper(access, checkpoint):
    processor = checkpoint.load().processor
    texts = {
        "refcoco": "Please provide the bounding box coordinate of the region this sentence "
        'describes: "the left cat"',
        "vqav2": "what is 0\nAnswer the question using a single word or phrase.",
        "vizwiz": "what is 0\nWhen the provided information is insufficient, respond with "
        "'Unanswerable'.\nAnswer the question using a single word or phrase.",
        "vsr": 'Based on the image, is this statement "True" or "False"? The cat is on it.\n'
        'Respond with "True" or "False" directly.',
        "ai2d": "what is 0\nA. w\nB. x\nC. y\nD. z\n"
        "Answer with the option's letter from the given choices directly.",
    }
    for name, text in texts.items():
        task = read(name, access)
        assert task.ask(load_examples(task)[0]) == text
    task = read("vqav2", access)
    assert encoding._templated("what", processor) == "<image> In: what Out:"


def test_padding_to_a_square_keeps_the_image_in_the_middle():
    image = picture(0)
    padded = prompts.square(image)
    assert padded.size == (40, 40)
    assert padded.crop((0, 5, 40, 35)).tobytes() == image.tobytes()
    assert padded.getpixel((0, 0)) == prompts.PADDING


def test_the_first_token_decides_between_the_options(access, checkpoint):
    loaded = checkpoint.load()
    model, processor = loaded.model, loaded.processor
    task = read("pope", access)
    batch = load_examples(task)
    inputs = prompts.prompts(batch, task, processor)
    with torch.inference_mode(), prune(model, METHODS["fastv"]):
        logits = model(**inputs).logits[:, -1]
    yes, no = processor.tokenizer.convert_tokens_to_ids(["Yes", "No"])
    expected = ["Yes" if row[yes] >= row[no] else "No" for row in logits]
    store = RecordStore(Path(datasets.config.HF_DATASETS_CACHE) / "store")
    records = evaluate(checkpoint, task, METHODS, store, batch_size=6).to_pylist()
    by_example = {r["example"]: r["prediction"] for r in records if r["method"] == "fastv"}
    assert [by_example[example] for example in batch["id"]] == expected


def test_options_go_on_from_the_last_token_of_a_prompt(access, checkpoint, tmp_path, monkeypatch):
    ends, first_token = set(), answerer.first_token

    def spy(tokenizer, end, word):
        ends.add(end)
        return first_token(tokenizer, end, word)

    monkeypatch.setattr(answerer, "first_token", spy)
    task = read("pope", access)
    evaluate(checkpoint, task, METHODS, RecordStore(tmp_path))
    inputs = prompts.prompts(load_examples(task), task, checkpoint.load().processor)["input_ids"]
    assert ends == set(inputs[:, -1].tolist()) != set(inputs[:, 0].tolist())


def damage(root, tmp_path, broken, size=None):
    """A copy of VSR's files, some images of which are cut short, or empty."""
    shutil.copytree(root, tmp_path / "copy")
    access = write_all(tmp_path / "copy")
    for number in broken:
        path = tmp_path / "copy" / "downloads" / "vsr" / f"{number:012}.jpg"
        path.write_bytes(path.read_bytes()[:size])
    return access


def test_unreadable_images_are_listed_and_left_out(root, checkpoint, tmp_path, caplog):
    access = damage(root, tmp_path, [1], 300) | {"unreadable": 0.5}
    examples = load_examples(read("vsr", access))
    assert len(examples) == 2 and examples["answer"][:] == ["False", "False"]
    assert "1 of 3 rows cannot be used: row 1 (000000000001.jpg): OSError" in caplog.text
    records = evaluate(checkpoint, read("vsr", access), METHODS, RecordStore(tmp_path / "store"))
    pq.write_table(records, tmp_path / "records.parquet")
    [note] = left_out([tmp_path / "records.parquet"] * 2)["tiny"]
    assert note.startswith(
        "Task 'vsr': 1 of 3 rows cannot be used: row 1 (000000000001.jpg): OSError"
    )
    assert [image.size for image in prompts.pictures(examples)] == [
        picture(0).size,
        picture(2).size,
    ]


def test_an_inventory_counts_examples_and_images(access):
    facts = inventory(read("refcoco", access))
    assert (facts["examples"], facts["images"], facts["left_out"]) == (COUNTS["refcoco"], 3, "")
    assert facts["sha256"] == data_digest(load_examples(read("refcoco", access)))


def test_too_many_unreadable_images_stop_the_task(root, tmp_path):
    access = damage(root, tmp_path, [1], 0)
    with pytest.raises(InputError, match=r"1 of 3 rows .* more than data\.unreadable = 1\.00%"):
        load_examples(read("vsr", access))


@pytest.mark.parametrize("name", ["refcoco", "refcoco-plus", "refcocog", "tallyqa"])
def test_images_that_are_not_in_their_folder_are_asked_for(root, name, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    access = write_all(tmp_path / "copy")
    for path in (tmp_path / "copy" / "downloads").rglob("*.jpg"):
        path.unlink()
    task = read(name, access)
    with pytest.raises(InputError, match=r"of 3 rows .*FileNotFoundError") as raised:
        load_examples(task)
    assert str(raised.value).endswith(f"of them. {task.images['how']}")


@pytest.mark.parametrize("nothing", [[], None])
def test_a_row_without_an_image_is_left_out(root, nothing, tmp_path, caplog):
    shutil.copytree(root, tmp_path / "copy")
    access = write_all(tmp_path / "copy") | {"unreadable": 0.5}
    rows, features = parquet()["lmms-lab/SEED-Bench"][TEST]
    rows[1]["image"] = nothing
    path = tmp_path / "copy" / "lmms-lab" / "SEED-Bench" / TEST
    Dataset.from_list(rows, Features(features)).to_parquet(path)
    assert load_examples(read("seed-image", access))["kind"][:] == ["0", "2"]
    assert "1 of 3 rows cannot be used: row 1: there is no image" in caplog.text


def test_an_image_that_unpacks_to_too_much_is_not_unpacked(access):
    with pytest.raises(InputError, match="40 x 30 pixels are too many"):
        load_examples(read("vsr", access | {"pixels": 1000}))


def test_files_that_people_download_are_asked_for(access, tmp_path):
    elsewhere = access | {"folder": tmp_path}
    with pytest.raises(InputError, match=r"no file .*test\.json\. Unpack tallyqa\.zip of github"):
        load_examples(read("tallyqa", elsewhere))
    with pytest.raises(InputError, match=r"there is no folder .*vsr\. Unpack the images of"):
        load_examples(read("vsr", elsewhere))
    wrong = read("tallyqa", access)
    wrong = replace(wrong, folder=wrong.folder | {"sha256": {"test": "0" * 64}})
    with pytest.raises(InputError, match=r"SHA-256 is .*, the card says 0000"):
        load_examples(wrong)


def test_a_file_that_is_not_whole_is_asked_for_again(root, tmp_path):
    access = damage(root, tmp_path, [])
    path = access["folder"] / "tallyqa" / "test.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"test\.json is damaged or incomplete: .*\. Unpack tally"):
        load_examples(read("tallyqa", access))


@pytest.mark.parametrize(
    ("name", "key", "changes", "message"),
    [
        ("ai2d", "columns", {"answer": "label"}, r"'label'; they have \['question', 'image'"),
        ("refcoco", "columns", {"box": "sentences.x"}, r"'sentences\.x'; .* \['sentences\.raw', "),
        ("gqa", "columns", {"kind": "types.kind"}, r"'types\.kind'; .* \['types\.structural', "),
        ("gqa", "columns", {"kind": "answer.kind"}, r"'answer\.kind'; they have \[\]"),
        ("gqa", "images", {"id": "name"}, r"'name'; they have \['id', 'image'\]"),
    ],
)
def test_a_missing_column(access, name, key, changes, message):
    task = read(name, access)
    task = replace(task, **{key: getattr(task, key) | changes})
    with pytest.raises(InputError, match=f"task '{name}': {key}: .* no column {message}"):
        load_examples(task)


def test_an_answer_that_the_card_has_no_word_for(access):
    task = read("ai2d", access, words={"answer": {"0": "A"}})
    with pytest.raises(InputError, match=r"words\.answer: no '1' among \['0'\]"):
        load_examples(task)


def test_without_network_and_cache(tmp_path):
    with pytest.raises(InputError, match=r"not in the cache.*data\.organisations"):
        load_examples(read("ai2d", {"folder": tmp_path}))


@pytest.mark.parametrize("folder", ["nothing", "copies", "copies/ai2d"])
def test_a_folder_of_copies_that_lacks_a_data_set(tmp_path, folder):
    (tmp_path / folder).mkdir(parents=True)
    task = read("ai2d", {"organisations": {"lmms-lab": str(tmp_path / "copies")}})
    message = r"copies/ai2d: it has none of the files .*Set the study's data\.organisations"
    with pytest.raises(InputError, match=message):
        load_examples(task)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DatasetNotFoundError("'x' is a gated dataset on the Hub."), "gated.*hf auth login"),
        (DatasetNotFoundError("Revision 'abc' doesn't exist"), r"no revision 'c83a.*hub\.revision"),
        (DatasetNotFoundError("'x' doesn't exist"), r"no such data set.*data\.organisations"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full.*HF_HOME"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk is full.*HF_HOME"),
        (FileNotFoundError("Unable to find data/test-*"), r"has none of the files.*hub\.files"),
        (ConnectionError("Couldn't reach"), "hub cannot be reached"),
        (RuntimeError("else"), "cannot be loaded: RuntimeError: else"),
    ],
)
def test_errors_of_data_sets_are_explained_in_one_line(monkeypatch, error, message):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(InputError, match=message) as raised:
        load_examples(read("ai2d", {"stream": 1}))
    assert "\n" not in str(raised.value) and "'ai2d'" in str(raised.value)


def test_a_branch_and_a_wrong_count_are_warned_of(access, caplog):
    load_examples(read("ai2d", access))
    assert "3 examples, the card says 3088" in caplog.text


def test_the_error_of_a_missing_benchmark_says_how_to_do_without(access, tmp_path):
    nowhere = access | {"folder": str(tmp_path)}
    with pytest.raises(InputError, match=r"tallyqa.zip.*without tallyqa, take it out of `tasks`"):
        write_inventory(CARDS / "tallyqa.yaml", tmp_path / "found.json", nowhere, ["test"])
    assert not (tmp_path / "found.json").exists()


def test_the_card_s_count_is_that_of_its_own_split(access, tmp_path, caplog):
    card, file = CARDS / "refcoco.yaml", tmp_path / "inventory.json"
    write_inventory(card, file, access, ["test"])
    assert "the card says" not in caplog.text
    write_inventory(card, file, access, ["validation", "test"])
    assert caplog.text.count("5 examples, the card says 10834") == 1


@pytest.mark.parametrize(("name", "rows"), [("ai2d", 2), ("gqa", 1), ("gqa", 3)])
def test_a_stream_is_the_first_rows(access, name, rows):
    whole, part = (load_examples(read(name, access | more)) for more in ({}, {"stream": rows}))
    assert part["id"][:] == whole["id"][:rows]
    assert part["image_id"][:] == whole["image_id"][:rows]


def test_a_stream_of_a_file(access):
    assert len(load_examples(read("tallyqa", access | {"stream": 1}))) == 1


def many(images: int, questions: int) -> Dataset:
    return Dataset.from_list(
        [
            {
                "image_id": f"i{i}",
                "kind": "rare" if i % 5 == 0 else "common",
                "row": i * questions + k,
            }
            for i in range(images)
            for k in range(questions)
        ]
    )


def test_a_draw_takes_whole_images_and_the_same_share_of_each_kind():
    examples = many(100, 3)
    part = subset.take(examples, 60, draw=0)
    assert len(part) == 60 and len(set(part["image_id"])) == 20
    assert part["kind"][:].count("rare") == 12
    assert part["row"][:] == sorted(part["row"])
    smaller = subset.take(examples, 25, draw=0)
    assert set(smaller["row"]) < set(part["row"])
    assert subset.take(examples, 60, draw=1)["row"][:] != part["row"][:]
    assert subset.take(examples, 60, draw=0)["row"][:] == part["row"][:]
    assert subset.take(examples, 10)["row"][:] == list(range(10))


def test_the_digest_follows_images_through_their_ids(root, access, tmp_path):
    before = data_digest(load_examples(read("vsr", access)))
    assert data_digest(load_examples(read("vsr", access))) == before
    shutil.copytree(root, tmp_path / "copy")
    other = write_all(tmp_path / "copy")
    picture(7).save(tmp_path / "copy" / "downloads" / "vsr" / f"{1:012}.jpg")
    assert data_digest(load_examples(read("vsr", other))) != before


def test_where_copies_are_is_no_part_of_a_record(access):
    assert read("vsr", access).to_dict() == read("vsr", None).to_dict()
    json.dumps(read("refcoco", access).to_dict())
