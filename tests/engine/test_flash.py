"""Flash attention, which sees no masks but lengths, gives what other attention gives."""

from functools import cache

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from helpers import tiny_flash
from helpers.families import CASES
from helpers.trials import prepare
from prunescope.engine.masks import window_of
from prunescope.pruning import prune
from prunescope.scores import record_scores
from prunescope.testing.trial import Trial, converse, generate

KERNELS = torch.cuda.is_available()  # else plain attention in their place
DEVICE, DTYPE = ("cuda", torch.float16) if KERNELS else ("cpu", torch.float32)
CLOSE = {"rtol": 0, "atol": 2e-2 if KERNELS else 1e-4}


@cache
def trial(case, backend: str) -> Trial:
    rows = range(len(case.prompts))
    batch, *singles = (
        {name: tensor.to(DEVICE) for name, tensor in prepare(case, *some, dtype=DTYPE).items()}
        for some in (rows, *([row] for row in rows))
    )
    return Trial(case.build(backend).to(DEVICE, DTYPE), batch, singles)


def forgets(case) -> bool:
    return any(map(window_of, Trial(case.build("eager"), {}, ()).decoder.layers))


@pytest.fixture(params=[case for case in CASES if not forgets(case)], ids=lambda case: case.name)
def trials(request, monkeypatch):
    """The same model and prompts with flash attention, and without."""
    tiny_flash.install(monkeypatch)
    return trial(request.param, "flash_attention_2"), trial(request.param, "sdpa")


def test_a_batch_is_answered_alike(trials):
    """With any method; with the kernels, in half precision, near ties may be decided otherwise."""
    alike = []
    for method in trials[0].methods:
        (flash, logits), (plain, expected) = (outcome(one, method) for one in trials)
        same = [ours == theirs for ours, theirs in zip(flash, plain, strict=True)]
        assert_close(logits[same], expected[same], **CLOSE)
        alike += same
    assert np.mean(alike) > 0.8 if KERNELS else all(alike)


def outcome(one: Trial, method) -> tuple[list, torch.Tensor]:
    """What is kept, generated and cached of each prompt; the logits."""
    with prune(one.model, method) as trace:
        tokens, logits = generate(one.model, one.inputs)
    rows = [
        ([stage[row].tolist() for stage in trace.kept], tokens[row].tolist(), lengths)
        for row, lengths in enumerate(zip(*trace.kv_lengths, strict=True))
    ]
    return rows, logits


def test_further_turns_go_on(trials):
    """Where they do without pruning: PaliGemma sees the whole prompt, and takes further turns for
    a part of it."""
    answer, _ = generate(trials[1].model, trials[1].singles[0])
    turns = answer.split([3, 1], dim=1)
    if not torch.allclose(*(converse(one.model, one.singles[0], turns) for one in trials), **CLOSE):
        pytest.skip("this model's further turns are others with flash attention")
    for row in range(len(trials[0].singles)):
        logits = []
        for one in trials:
            with prune(one.model, one.methods[1]):
                logits.append(converse(one.model, one.singles[row], turns))
        assert_close(*logits, **CLOSE)


def test_scores_are_the_same(trials):
    flash, plain = (record_scores(one.model, one.inputs) for one in trials)
    assert_close(flash, plain, rtol=0, atol=1e-3 if KERNELS else 1e-6)
