"""On a GPU: what other tests show on a CPU."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import yaml

from helpers.families import CASES
from helpers.joined import check_joined
from helpers.trials import prepare
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.cost.operations import operations
from prunescope.cost.timing import measure_times
from prunescope.evaluation import answerer
from prunescope.evaluation.evaluate import evaluate
from prunescope.evaluation.score_extraction import extract
from prunescope.methods import parse_methods
from prunescope.records.store import RecordStore
from prunescope.tasks.card import read_task
from prunescope.testing import models as contract
from prunescope.testing.trial import Trial

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
ROOT = Path(__file__).parents[2]
METHODS = parse_methods(
    yaml.safe_load("""
unpruned: []
fastv: [{layer: 1, remove: 0.75, score: {attention: {rope: true}}}]
norope: [{layer: 3, remove: 0.75, score: {attention: {rope: false}}}]
knn: [{layer: 2, keep: 9, score: {knn: {}}}]
compact: [{layer: 2, remove: 0.5, positions: compact, score: {attention: {rope: true}}}]
feather:
  - {layer: 2, remove: 0.7, score: {attention: {rope: false}}, always: {uniform: {stride: 3}}}
  - {layer: 4, remove: 0.7, power: 2, score: {attention: {rope: false}}}
"""),
    "test",
)


@cache
def trial(case) -> Trial:
    rows = range(len(case.prompts))
    batch, *singles = (to_cuda(prepare(case, *some)) for some in (rows, *([n] for n in rows)))
    return Trial(case.build("sdpa").cuda(), batch, singles)


def to_cuda(inputs):
    return {name: tensor.cuda() for name, tensor in inputs.items()}


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__[6:])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_contract(case, check):
    check(trial(case))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_methods_are_decoded_together(case):
    one = trial(case)
    check_joined(one.model, one.inputs)


def shipped(device: str) -> Checkpoint:
    return Checkpoint("rope", ROOT / "data" / "testbed" / "rope", device=device)


def card(name: str):
    return read_task(ROOT / "data" / "tasks" / f"{name}.yaml")


@pytest.mark.parametrize("task", ["locate", "exists"])
def test_the_testbed_answers_as_on_a_cpu(task, tmp_path):
    records = {}
    for device in ("cpu", "cuda"):
        store = RecordStore(tmp_path / device)
        table = evaluate(shipped(device), card(task), METHODS, store, limit=64)
        records[device] = table.select(["prediction", "kept"]).to_pylist()
    pairs = list(zip(*records.values(), strict=True))
    assert np.mean([a["prediction"] == b["prediction"] for a, b in pairs]) > 0.98
    assert np.mean([a["kept"] == b["kept"] for a, b in pairs]) > 0.9  # but for near ties


def test_a_batch_that_does_not_fit_is_halved(tmp_path, monkeypatch):
    """The device's own error, which says so in its own way."""
    tried, run = [], answerer.Answerer.run

    def greedy(self, batch, methods):
        tried.append(len(batch))
        if len(batch) > 2:
            torch.empty(2**50, device="cuda")
        return run(self, batch, methods)

    monkeypatch.setattr(answerer.Answerer, "run", greedy)
    unpruned = {"unpruned": METHODS["unpruned"]}
    records = evaluate(shipped("cuda"), card("exists"), unpruned, RecordStore(tmp_path), 8, limit=8)
    assert len(records) == 8 and tried[0] == 8 and 2 in tried


def test_scores_are_those_of_a_cpu(tmp_path):
    scores = []
    for device in ("cpu", "cuda"):
        extract(shipped(device), card("locate"), tmp_path / device, 4, limit=8)
        scores.append(xr.open_zarr(tmp_path / device)["score"].load())
    assert scores[0]["example"].equals(scores[1]["example"])
    np.testing.assert_allclose(scores[1].values, scores[0].values, atol=1e-3, rtol=0)


def test_costs_are_counted_and_measured():
    checkpoint = replace(shipped("cuda"), dtype="bfloat16")
    counted = operations(checkpoint, card("locate"), METHODS)
    assert (counted["counted_gap"].abs() < 0.01).all()
    table = measure_times(checkpoint, card("locate"), METHODS, repeats=2, warmup=1, steps=2)
    assert table["peak_bytes"].between(2**20, 2**34).all() and (table["prefill_ms"] > 0).all()
