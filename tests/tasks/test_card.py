"""Task cards: read, checked by their schema, and loaded with limits."""

from pathlib import Path

import pytest
import yaml
from datasets import Dataset

from prunescope.errors import InputError
from prunescope.metrics import BoxIou, ExactMatch
from prunescope.tasks.card import find_card, find_cards, read_task
from prunescope.tasks.examples import FIELDS, SOURCES, data_digest, load_examples

CARDS = Path(__file__).parents[2] / "data" / "tasks"
NAMES = ["background", "color", "count", "exists", "locate", "relation", "shape"]


def write_card(folder: Path, **changes) -> Path:
    card = yaml.safe_load((CARDS / "exists.yaml").read_text()) | changes
    path = folder / "exists.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in card.items() if v is not None}))
    return path


def test_the_cards_of_the_testbed():
    every = [read_task(path) for path in CARDS.glob("*.yaml")]
    cards = {task.name: task for task in every if task.source == "testbed"}
    assert sorted(cards) == NAMES
    assert cards["locate"].metric == BoxIou(0.5, "grid32")
    assert cards["locate"].localization and cards["locate"].max_new_tokens == 4
    others = [card for name, card in cards.items() if name != "locate"]
    assert all(card.metric == ExactMatch() and card.max_new_tokens == 1 for card in others)
    assert cards["count"].ask({"question": "how many"}) == "<image> In: how many Out:"


def test_options_in_prompts():
    example = {"question": "Which?", "options": ["leaf", "root tip"]}
    ask = "Answer with the option's letter from the given choices directly."
    lines = f"Which?\nA. leaf\nB. root tip\n{ask}"
    assert read_task(CARDS / "ai2d.yaml").ask(example) == lines
    asked = read_task(CARDS / "ai2d.yaml", "paligemma").ask(example)
    assert asked == "<image>answer en  Which? choose from: leaf \t root tip"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"metrics": {}},
            r"key: unknown 'metrics'; did you mean 'metric'\? allowed: \['box', 'chat', ",
        ),
        ({"prompt": None}, "'prompt' is a required property"),
        ({"prompt": "no place for it"}, "prompt: "),
        ({"metric": {"f1": {}}}, r"metric: key: unknown 'f1'; .*\['box_iou', 'choice', 'ex"),
        ({"metric": {}}, "metric: "),
        ({"metric": {"box_iou": {"threshold": 2, "format": "grid32"}}}, "metric.box_iou.threshold"),
        ({"metric": {"box_iou": {"threshold": 0.5, "format": "px"}}}, r"format: .*'grid32'"),
        ({"source": "elsewhere"}, r"source: .*\['testbed', 'hub', 'folder'\]"),
        ({"source": "hub"}, "hub: source 'hub' needs it"),
        ({"protocols": {"other": {"split": "x"}}}, r"protocols\.other: key: unknown 'split'; "),
        ({"max_new_tokens": 0}, "max_new_tokens: "),
        (
            {"columns": {"image": "i", "question": "q", "text": "q"}},
            r"columns: key: unknown 'text'; .*'question'",
        ),
        ({"columns": {"image": "i"}}, "columns: 'question' is a required property"),
        ({"name": "other"}, "name: 'other' differs"),
    ],
)
def test_a_wrong_card_names_file_key_and_what_is_allowed(tmp_path, changes, message):
    path = write_card(tmp_path, **changes)
    with pytest.raises(InputError, match=message) as error:
        read_task(path)
    assert str(error.value).startswith(str(path))


def test_a_card_that_is_not_there(tmp_path):
    write_card(tmp_path)
    with pytest.raises(InputError, match=r"exist\.yaml: no such task card.*\['exists'\]"):
        read_task(tmp_path / "exist.yaml")


def test_a_protocol_changes_some_keys_and_must_be_declared(tmp_path):
    path = write_card(tmp_path, protocols={"brief": {"max_new_tokens": 3}, "same": {}})
    assert read_task(path, "brief").max_new_tokens == 3
    assert read_task(path, "same") == read_task(path)
    with pytest.raises(InputError, match=r"protocols: no 'long'; allowed: \['brief', 'same'\]"):
        read_task(path, "long")


def test_what_determines_a_record_is_in_the_plain_data(tmp_path):
    plain = read_task(write_card(tmp_path)).to_dict()
    assert read_task(write_card(tmp_path, description="other words")).to_dict() == plain
    assert read_task(write_card(tmp_path, prompt="Q: {question}")).to_dict() != plain


@pytest.fixture
def source(monkeypatch):
    """What the testbed source gives: a data set that a test may change."""
    rows = [
        {"id": str(i), "image_id": str(i // 2), "image": i, "question": "q", "answer": "a"}
        | {"box": [], "kind": ""}
        for i in range(6)
    ]
    data = {"rows": Dataset.from_list(rows)}
    monkeypatch.setitem(SOURCES, "testbed", lambda task: data["rows"])
    return data


def test_load_limits(source, tmp_path):
    task = read_task(write_card(tmp_path))
    assert load_examples(task).column_names == list(FIELDS)
    assert load_examples(task, limit=4)["id"] == ["0", "1", "2", "3"]
    assert len(load_examples(task, limit=99)) == 6


def test_load_refuses(source, tmp_path):
    task = read_task(write_card(tmp_path))
    with pytest.raises(InputError, match="limit: must be at least 1"):
        load_examples(task, limit=0)
    source["rows"] = source["rows"].select(range(0))
    with pytest.raises(InputError, match="task 'exists': split: 'test' has no examples"):
        load_examples(task)
    source["rows"] = source["rows"].remove_columns("kind")
    with pytest.raises(InputError, match="no column 'kind'"):
        load_examples(task)


def test_the_digest_follows_the_data(source, tmp_path):
    before = data_digest(source["rows"])
    assert data_digest(source["rows"].select(range(6))) == before
    changed = source["rows"].map(
        lambda row, i: {"answer": "b" if i == 5 else "a"}, with_indices=True
    )
    assert data_digest(changed) != before


def test_cards_of_the_project_come_before_those_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_card("exists") == CARDS / "exists.yaml"
    (tmp_path / "data/tasks").mkdir(parents=True)
    for name in ("exists", "mine"):
        (tmp_path / f"data/tasks/{name}.yaml").touch()
    assert find_card("exists") == Path("data/tasks/exists.yaml")
    assert find_cards().keys() == {card.stem for card in CARDS.glob("*.yaml")} | {"mine"}
    with pytest.raises(InputError, match="tasks: unknown 'existz'; did you mean 'exists'"):
        find_card("existz")
