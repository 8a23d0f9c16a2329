"""Shards have whole images and every example once; results do not depend on their number."""

from pathlib import Path

import numpy as np
import pytest

from helpers.testbed_model import random_examples, save_model
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.evaluation.evaluate import evaluate
from prunescope.evaluation.score_extraction import extract
from prunescope.methods import parse_methods
from prunescope.records.store import RecordStore
from prunescope.statistics.reading import read_scores
from prunescope.tasks import card
from prunescope.tasks.examples import SOURCES, load_examples
from prunescope.tasks.shards import Shard

CARD = Path(__file__).parents[2] / "data" / "tasks" / "locate.yaml"
COUNT = 10  # questions, two about each image
METHODS = {
    "unpruned": [],
    "fastv": [{"layer": 1, "remove": 0.75, "score": {"attention": {"rope": True}}}],
    "replayed": [{"layer": 0, "score": {"replay": {"method": "fastv"}}}],
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return Checkpoint("tiny", save_model(tmp_path_factory.mktemp("model")))


@pytest.fixture
def task(monkeypatch):
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(COUNT))
    return card.read_task(CARD)


def shards(count):
    return [Shard(number, count) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_shards_have_every_example_once_and_whole_images(count):
    examples = random_examples(COUNT)
    parts = [shard.of(examples) for shard in shards(count)]
    assert [example for part in parts for example in part["id"]] == list(examples["id"])
    owners = [image for part in parts for image in set(part["image_id"])]
    assert len(owners) == len(set(owners)) == COUNT // 2
    sizes = [len(set(part["image_id"])) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_images_stay_whole_where_their_questions_are_apart():
    examples = random_examples(COUNT).shuffle(seed=0)
    parts = [set(shard.of(examples)["image_id"]) for shard in shards(3)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == COUNT // 2


@pytest.mark.parametrize(("number", "count"), [(0, 3), (4, 3), (1, 0)])
def test_a_shard_that_is_none(number, count):
    with pytest.raises(InputError, match=rf"shard: must lie in 1\.\.{count}, got {number}"):
        Shard(number, count)


def rows(checkpoint, task, folder, count):
    methods = parse_methods(METHODS, "test")
    stores = [RecordStore(folder / str(shard.number)) for shard in shards(count)]
    tables = [
        evaluate(checkpoint, task, methods, store, batch_size=4, limit=8, shard=shard)
        for store, shard in zip(stores, shards(count), strict=True)
    ]
    assert len({table.schema for table in tables}) == 1
    records = [row for table in tables for row in table.to_pylist()]
    return sorted(records, key=lambda row: (row["method"], row["example"]))


@pytest.mark.parametrize("count", [3, 6])  # six of four images: two are empty
def test_records_do_not_depend_on_the_number_of_shards(checkpoint, task, tmp_path, count):
    whole = rows(checkpoint, task, tmp_path / "whole", 1)
    assert len(whole) == len(METHODS) * 8
    assert rows(checkpoint, task, tmp_path / "parts", count) == whole


@pytest.mark.parametrize("count", [3, 6])
def test_scores_do_not_depend_on_the_number_of_shards(checkpoint, task, tmp_path, count):
    paths = []
    for shard in [Shard(), *shards(count)]:
        paths.append(tmp_path / f"{shard.number}of{shard.count}.zarr")
        extract(checkpoint, task, paths[-1], batch_size=4, limit=8, shard=shard)
    whole, parts = read_scores(paths[:1]), read_scores(paths[1:])
    assert parts["example"].values.tolist() == whole["example"].values.tolist()
    assert parts["image"].values.tolist() == whole["image"].values.tolist()
    np.testing.assert_allclose(parts, whole, atol=1e-5)


def test_an_empty_shard_is_said_so(task, caplog):
    assert len(Shard(3, 3).of(load_examples(task, 4))) == 0
    assert "shard 3 of 3 is empty: 2 images" in caplog.text
