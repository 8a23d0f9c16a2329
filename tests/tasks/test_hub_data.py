"""Data sets of a hub on this machine: once fetched, they are found without a network."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import datasets
import huggingface_hub
import pytest

from helpers.local_hub import commit, files_of, serving
from helpers.tiny_benchmarks import TEST, write_all
from prunescope.errors import InputError
from prunescope.tasks import card
from prunescope.tasks.examples import data_digest, load_examples

CARDS = Path(__file__).parents[2] / "data" / "tasks"
CONSTANTS = huggingface_hub.constants
AI2D = "datasets/lmms-lab/ai2d"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmarks")
    write_all(folder)
    return folder


@pytest.fixture
def hub(root, tmp_path, monkeypatch):
    """A hub with the data sets of three cards, and more files than these ask for."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    with serving(tmp_path / "cache") as hub:
        for repo in ("lmms-lab/ai2d", "lmms-lab/GQA", "cambridgeltl/vsr_zeroshot"):
            others = {"README.md": b"# Data", "data/train-0.parquet": b"", "x.jsonl": b""}
            hub.add(f"datasets/{repo}", files_of(root / repo) | others)
        yield hub


def read(hub, root, name, revision=None, **access):
    """The card's task, with the commit on the hub."""
    task = card.read_task(CARDS / f"{name}.yaml", None, {"folder": root / "downloads"} | access)
    revision = revision or commit(hub.repositories[f"datasets/{task.hub['repo']}"]["main"])
    return replace(task, hub=task.hub | {"revision": revision})


def cut_off(monkeypatch, how):
    if how == "offline":
        monkeypatch.setattr(CONSTANTS, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    else:
        monkeypatch.setattr(CONSTANTS, "ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:9")


@pytest.mark.parametrize("how", ["offline", "unreached"])
@pytest.mark.parametrize("name", ["ai2d", "gqa", "vsr"])
def test_the_cache_is_enough_without_a_network(hub, root, name, how, monkeypatch):
    task = read(hub, root, name)
    first = load_examples(task)
    folder = read(hub, root, name, organisations=write_all(root)["organisations"])
    assert data_digest(first) == data_digest(load_examples(folder))
    assert not {"data/train-0.parquet", "x.jsonl"} & set(hub.sent)
    cut_off(monkeypatch, how)
    again = load_examples(task)
    shutil.rmtree(datasets.config.HF_DATASETS_CACHE)  # the tables made of the files, not the files
    for examples in (again, load_examples(task)):
        assert examples["id"] == first["id"]
        assert data_digest(examples) == data_digest(first)


def ask(hub, root, revision=None):
    with pytest.raises(InputError) as raised:
        load_examples(read(hub, root, "ai2d", revision))
    message = str(raised.value)
    assert "\n" not in message and message.startswith("task 'ai2d': lmms-lab/ai2d: ")
    return message


@pytest.mark.parametrize("cached", [[], ["README.md"]])
def test_no_network_and_not_all_in_the_cache(hub, root, cached, monkeypatch):
    revision = read(hub, root, "ai2d").hub["revision"]
    for name in cached:
        huggingface_hub.hf_hub_download(
            "lmms-lab/ai2d", name, repo_type="dataset", revision=revision
        )
    cut_off(monkeypatch, "offline")
    message = ask(hub, root)
    assert "not in the cache, and the hub cannot be reached" in message
    assert "data.organisations" in message


def test_an_interrupted_download_is_no_data_set(hub, root, monkeypatch):
    hub.repositories[AI2D]["main"]["data/test-00001-of-00002.parquet"] = b"PAR1"
    hub.broken = {"data/test-00001-of-00002.parquet"}
    ask(hub, root)
    assert TEST in hub.sent
    cut_off(monkeypatch, "offline")
    assert "not in the cache, and the hub cannot be reached" in ask(hub, root)


def test_refusals_of_the_hub_are_explained_in_one_line(hub, root):
    message = ask(hub, root, "v9")
    assert "there is no revision 'v9'" in message and "Set the card's hub.revision" in message
    hub.gated = {AI2D}
    message = ask(hub, root)
    assert "access is gated" in message and "hf auth login" in message
    del hub.repositories[AI2D]["main"][TEST]
    hub.gated = set()
    message = ask(hub, root)
    assert "it has none of the files asked for (no data/test-*.parquet in commit" in message
    assert message.endswith("Set the card's hub.files")
    hub.repositories[AI2D.replace("ai2d", "else")] = hub.repositories.pop(AI2D)
    with pytest.raises(InputError, match="there is no such data set, or it is private"):
        load_examples(card.read_task(CARDS / "ai2d.yaml", None, {}))


def test_room_is_looked_for_before_anything_is_fetched(hub, root, monkeypatch):
    usage = shutil._ntuple_diskusage(10, 9, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    message = ask(hub, root)
    assert "the disk is full" in message and "HF_HOME" in message
    assert not hub.sent


@pytest.mark.parametrize(
    ("status", "message", "advice"),
    [
        (401, "Invalid credentials in Authorization header", "refuses the token .*hf auth login"),
        (403, "Enable access to gated repositories", "forbids it .*403 Forbidden.*hf auth login"),
        (503, "", "the hub has trouble .*Try again later.*data.organisations"),
    ],
)
def test_what_the_hub_answers_with_is_explained(hub, root, status, message, advice):
    hub.refusal = status, message
    assert re.search(advice, ask(hub, root, "main"))  # for a commit, the client retries for minutes


@pytest.mark.parametrize(("name", "file"), [("ai2d", TEST), ("vsr", "test.jsonl")])
def test_a_file_that_is_not_whole_is_named_and_fetched_again(hub, root, name, file):
    task = read(hub, root, name)
    first = load_examples(task)
    [path] = Path(CONSTANTS.HF_HUB_CACHE).glob(f"datasets--*/snapshots/*/{file}")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=f"{file} is damaged or incomplete .* fetch it") as raised:
        load_examples(task)
    assert "\n" not in str(raised.value)
    Path(re.search(r"Remove (.*) and fetch", str(raised.value))[1]).unlink()
    assert data_digest(load_examples(task)) == data_digest(first)


def test_a_file_that_is_broken_inside_is_named(hub, root):
    """Beginning and end of the file are intact."""
    task = read(hub, root, "ai2d")
    load_examples(task)
    [path] = Path(CONSTANTS.HF_HUB_CACHE).glob(f"**/snapshots/*/{TEST}")
    data = bytearray(path.read_bytes())
    data[4:44] = b"\xff" * 40
    path.write_bytes(data)
    shutil.rmtree(datasets.config.HF_DATASETS_CACHE)
    assert re.search(f"{TEST} is damaged or incomplete .* fetch it", ask(hub, root))
