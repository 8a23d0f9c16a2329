"""`prunescope records`, on the store of a small study."""

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from helpers.testbed_model import random_examples, save_model
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.cli import main
from prunescope.evaluation.evaluate import evaluate
from prunescope.methods import parse_methods
from prunescope.records.store import RecordStore
from prunescope.study import Study
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import SOURCES

STUDY = {"name": "small", "tasks": ["locate"], "methods": ["unpruned", "uniform", "oracle"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def study(tmp_path, model, monkeypatch):
    """The file of a study."""
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(6))
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(STUDY | {"models": {"tiny": {"path": str(model)}}}))
    return path


@pytest.fixture
def store(study, model, tmp_path):
    """Its records, and those of a method that it does not have."""
    store = tmp_path / "store"
    methods = parse_methods(Study.load(study).methods, "study")
    methods |= parse_methods({"old": [{"layer": 1, "keep": 4, "score": {"centre": {}}}]}, "test")
    task = read_task("data/tasks/locate.yaml")
    evaluate(Checkpoint("tiny", model), task, methods, RecordStore(store), batch_size=4)
    return store


def run(capsys, *arguments):
    """Exit code, output and errors of `prunescope records`."""
    status = main(["records", *map(str, arguments)])
    return status, *capsys.readouterr()


def test_list(store, capsys):
    status, out, _ = run(capsys, "list", "--store", store)
    head, *rows, total = [line.split() for line in out.splitlines()]
    assert status == 0
    assert head == [
        "model", "task", "method", "examples", "parts", "bytes", "date", "source",
    ]  # fmt: skip
    assert [row[:5] for row in rows] == [
        ["tiny", "locate", name, "6", "1"] for name in ("old", "oracle", "uniform", "unpruned")
    ]
    sizes = [sum(p.stat().st_size for p in folder.glob("*.parquet")) for folder in folders(store)]
    assert sorted(int(row[5]) for row in rows) == sorted(sizes)
    assert all(re.fullmatch(r"[0-9a-f]{12}", row[-1]) for row in rows)
    assert total == ["total", "4", "keys", "24", "4", str(sum(sizes))]


def test_list_of_one_model_or_task(store, capsys):
    chosen = run(capsys, "list", "--store", store, "--model", "tiny", "--task", "locate")[1]
    assert chosen == run(capsys, "list", "--store", store)[1]
    assert run(capsys, "list", "--store", store, "--task", "count")[1] == f"{store}: no records\n"


def test_the_store_of_studies_is_the_default(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "there is no folder results/store" in run(capsys, "list")[2]


def test_verify(store, capsys, caplog):
    intact = (0, "4 intact, 0 damaged\n")
    assert run(capsys, "verify", "--store", store)[:2] == intact
    damaged, *_ = sorted(store.rglob("*.parquet"))
    pq.write_table(pq.read_table(damaged).slice(1), damaged)  # valid, but not what was written
    status, out, error = run(capsys, "verify", "--store", store)
    assert (status, out) == (2, "3 intact, 1 damaged\n")
    assert "set aside" in error and str(damaged.with_suffix(".corrupt")) in caplog.text
    assert run(capsys, "verify", "--store", store)[0] == 0


def prune(capsys, store, study, *options):
    return run(capsys, "prune", "--store", store, "--keep", study, *options)


def test_prune(store, study, capsys):
    before = folders(store)
    status, out, _ = prune(capsys, store, study)
    assert status == 0 and folders(store) == before
    [old, summary] = out.splitlines()
    assert summary == "1 keys that no study asks for: would be removed; --delete does it"
    assert '"name": "old"' in (Path(old) / "key.json").read_text()
    assert prune(capsys, store, study, "--delete")[0] == 0
    assert folders(store) == [folder for folder in before if folder != Path(old)]
    assert "0 keys" in prune(capsys, store, study)[1]


def test_prune_needs_to_know_what_matched_methods_are(store, study, capsys):
    matched = yaml.safe_load(study.read_text())
    matched["matched"] = [{"methods": ["fastv"], "share": [0.5]}]
    study.write_text(yaml.safe_dump(matched))
    status, _, error = prune(capsys, store, study)
    assert status == 2 and "matched: there is no results/small/methods/tiny.yaml" in error


def test_a_changed_model_makes_all_records_superfluous(store, study, tmp_path, capsys):
    other = yaml.safe_load(study.read_text())
    other["models"] = {"tiny": {"path": str(save_model(tmp_path / "other", seed=1))}}
    study.write_text(yaml.safe_dump(other))
    assert "4 keys" in prune(capsys, store, study)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "--store", "nowhere"), "prunescope records: there is no folder nowhere"),
        (("verify", "--store", "nowhere"), "there is no folder nowhere"),
        (("prune", "--store", ".", "--keep", "none.yaml"), "there is no file none.yaml"),
    ],
)
def test_wrong_input(capsys, arguments, message):
    status, _, error = run(capsys, *arguments)
    assert status == 2 and message in error


def test_an_empty_store(tmp_path, capsys):
    assert run(capsys, "list", "--store", tmp_path)[1] == f"{tmp_path}: no records\n"


def folders(store):
    return sorted(path for path in store.iterdir() if path.is_dir())
