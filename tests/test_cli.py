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
from prunescope.study import config
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import SOURCES

STUDY = {"name": "small", "tasks": ["locate"], "methods": ["unpruned", "uniform", "oracle"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def study(tmp_path, model, monkeypatch):
    """The file of a study."""
    monkeypatch.chdir(Path(__file__).parents[1])
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(6))
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(STUDY | {"models": {"tiny": {"path": str(model)}}}))
    return path


@pytest.fixture
def store(study, model, tmp_path):
    """Its records, and those of a method that it does not have."""
    loaded, store = config.load(study), tmp_path / "store"
    methods = parse_methods(config.methods(loaded, "study"), "study")
    methods |= parse_methods({"old": [{"layer": 1, "keep": 4, "score": {"centre": {}}}]}, "test")
    task = read_task("data/tasks/locate.yaml")
    evaluate(Checkpoint("tiny", model), task, methods, RecordStore(store), batch_size=4)
    return store


def run(capsys, *arguments):
    """Exit status, output and errors of `prunescope records`."""
    status = main(["records", *map(str, arguments)])
    return status, *capsys.readouterr()


def test_list(store, capsys):
    status, out, _ = run(capsys, store, "list")
    lines = [line.split() for line in out.splitlines()]
    assert status == 0
    assert lines[0] == [
        "model", "task", "method", "examples", "parts", "bytes", "date", "source",
    ]  # fmt: skip
    assert [line[:5] for line in lines[1:]] == [
        ["tiny", "locate", name, "6", "1"] for name in ("old", "oracle", "uniform", "unpruned")
    ]
    sizes = [sum(p.stat().st_size for p in folder.glob("*.parquet")) for folder in folders(store)]
    assert sorted(int(line[5]) for line in lines[1:]) == sorted(sizes)
    assert all(re.fullmatch(r"[0-9a-f]{12}", line[-1]) for line in lines[1:])


def test_verify(store, capsys, caplog):
    assert run(capsys, store, "verify")[:2] == (0, "4 intact, 0 damaged, 0 without checksum\n")
    damaged, old, *_ = sorted(store.rglob("*.parquet"))
    pq.write_table(pq.read_table(damaged).slice(1), damaged)  # valid, but not what was written
    old.rename(old.with_stem("0" * 32))
    status, out, error = run(capsys, store, "verify")
    assert (status, out) == (2, "2 intact, 1 damaged, 1 without checksum\n")
    assert "set aside" in error and str(damaged.with_suffix(".corrupt")) in caplog.text
    assert run(capsys, store, "verify")[0] == 0


def test_prune(store, study, capsys):
    before = folders(store)
    status, out, _ = run(capsys, store, "prune", "--keep", study)
    assert status == 0 and folders(store) == before
    [old, said] = out.splitlines()
    assert said == "1 keys that no study asks for: would be removed; --delete does it"
    assert '"name": "old"' in (Path(old) / "key.json").read_text()
    assert run(capsys, store, "prune", "--keep", study, "--delete")[0] == 0
    assert folders(store) == [each for each in before if each != Path(old)]
    assert "0 keys" in run(capsys, store, "prune", "--keep", study)[1]


def test_prune_needs_to_know_what_matched_methods_are(store, study, capsys):
    matched = yaml.safe_load(study.read_text())
    matched["matched"] = [{"methods": ["fastv"], "share": [0.5]}]
    study.write_text(yaml.safe_dump(matched))
    status, _, error = run(capsys, store, "prune", "--keep", study)
    assert status == 2 and "matched: there is no results/small/methods/tiny.yaml" in error


def test_a_changed_model_makes_all_records_superfluous(store, study, tmp_path, capsys):
    other = yaml.safe_load(study.read_text())
    other["models"] = {"tiny": {"path": str(save_model(tmp_path / "other", seed=1))}}
    study.write_text(yaml.safe_dump(other))
    assert "4 keys" in run(capsys, store, "prune", "--keep", study)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "list"), "prunescope records: there is no folder nowhere"),
        (("nowhere", "verify"), "there is no folder nowhere"),
        ((".", "prune", "--keep", "none.yaml"), "there is no file none.yaml"),
    ],
)
def test_wrong_input(capsys, arguments, message):
    status, _, error = run(capsys, *arguments)
    assert status == 2 and message in error


def test_an_empty_store(tmp_path, capsys):
    assert run(capsys, tmp_path, "list")[1] == f"{tmp_path}: no records\n"


def folders(store):
    return sorted(each for each in store.iterdir() if each.is_dir())
