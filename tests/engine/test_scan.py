"""The order in which a model reads the visual tokens, against embeddings put in order by hand."""

from contextlib import contextmanager

import pytest
import torch

from helpers.families import CASES
from helpers.trials import trial
from prunescope.criteria.attention import Attention
from prunescope.criteria.first import First
from prunescope.criteria.replay import Replay
from prunescope.engine.segments import Segment, scan_order, scanned
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.models import Layout
from prunescope.pruning import prune
from prunescope.scores import record_scores
from prunescope.testing import models as contract
from prunescope.testing.trial import Trial, generate, prefill

SCANS = ("reversed", "transposed")
LATE = Stage(2, Attention(), keep=0.4)

case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
scan = pytest.mark.parametrize("scan", SCANS)


def first(scan):
    """A stage that keeps all."""
    return Stage(0, First(1.0), scan=scan)


def by_hand(views, scan):
    """(n,) which visual token is read at each turn; views: (rows, columns)."""
    turns, begun = [], 0
    for rows, columns in views:
        raster = begun + torch.arange(rows * columns).reshape(rows, columns)
        turns.append(raster.flatten().flip(0) if scan == "reversed" else raster.T.flatten())
        begun += rows * columns
    return torch.cat(turns)


@contextmanager
def reading(one, single, turns):
    """The decoder is handed the visual tokens of one prompt in another order."""
    visual = one.family.layout(one.model, single).visual[0]
    order = torch.arange(len(visual))
    order[visual] = order[visual][turns]

    def hook(decoder, args, kwargs):
        if kwargs["inputs_embeds"].shape[1] < len(order):  # decoding
            return args, kwargs
        changed = {"inputs_embeds": kwargs["inputs_embeds"][:, order]}
        if len(one.family.axes) > 1:
            changed["position_ids"] = kwargs["position_ids"][..., order]
        if (deepstack := kwargs.get("deepstack_visual_embeds")) is not None:
            changed["deepstack_visual_embeds"] = [features[turns] for features in deepstack]
        return args, {**kwargs, **changed}

    with one.decoder.register_forward_pre_hook(hook, prepend=True, with_kwargs=True):
        yield


@scan
@case
def test_it_is_the_model_that_is_given_the_tokens_in_that_order(case, scan):
    one = trial(case)
    replay = Method([Stage(LATE.layer, Replay("late"))], "replay")
    for single in one.singles:
        turns = by_hand(one.family.layout(one.model, single).grids[0], scan)
        scores = record_scores(one.model, single, scan=scan)
        with prune(one.model, Method([first(scan), LATE], scan)) as trace:
            tokens, logits = generate(one.model, single)
        kept = [torch.isin(turns, trace.kept[1][0]).nonzero()[:, 0]]
        with reading(one, single, turns):
            expected = record_scores(one.model, single)
            with prune(one.model, replay, kept=kept):
                expected_tokens, expected_logits = generate(one.model, single)
        assert torch.equal(tokens, expected_tokens)
        torch.testing.assert_close(scores[..., turns], expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(logits, expected_logits, rtol=1e-5, atol=1e-5)


@case
def test_contract(case):
    class Scanned(Trial):
        methods = tuple(
            Method(
                [Stage(0, Attention(projections="own"), keep=keep, scan=scan), LATE],
                f"{scan}-{keep}",
            )
            for scan, keep in (("reversed", 1.0), ("transposed", 0.7))
        )

    one = trial(case)
    scanned = Scanned(one.model, one.inputs, one.singles)
    contract.check_a_batch_equals_one_by_one(scanned)
    contract.check_counts_and_order(scanned)
    contract.check_the_cache_is_short(scanned)


@scan
@case
def test_recorded_scores_lie_at_the_places_of_the_image(case, scan):
    one = trial(case)
    scores = record_scores(one.model, one.inputs, scan=scan)
    with prune(one.model, Method([first(scan), LATE], scan)) as trace:
        prefill(one.model, one.inputs)
    assert not torch.allclose(scores, record_scores(one.model, one.inputs), atol=1e-3)
    for row, n in enumerate(one.full):
        order = scores[row, LATE.layer - 1, 0, :n].argsort(descending=True, stable=True)
        highest = order[: LATE.count(n)].sort().values
        assert torch.equal(trace.kept[1][row], highest)


def test_reversing_twice_is_reading_row_by_row():
    layout = Layout(torch.tensor([[0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0]]).bool(), [[(2, 3), (1, 2)]])
    visual = layout.visual
    columns = torch.arange(visual.shape[1])[None]
    raster = (visual.long().cumsum(1) - 1).masked_fill(~visual, -1)
    prompt = Segment(columns, raster, torch.ones_like(visual), columns[None])
    order = scan_order(prompt, "reversed", layout)
    assert order[0].tolist() == [0, 6, 5, 4, 3, 2, 1, 7, 9, 8, 10]
    assert torch.equal(order.gather(1, order), columns)
    transposed = scan_order(prompt, "transposed", layout)
    assert transposed[0].tolist() == [0, 1, 4, 2, 5, 3, 6, 7, 8, 9, 10]
    for places in (False, True):
        again = scanned(scanned(prompt, order, places), order, places)
        assert torch.equal(again.raster, raster) and torch.equal(again.positions, prompt.positions)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"layer": 0, "scan": "spiral"}, r"scan: 'spiral' is not one of \['raster', 'reversed'"),
        ({"layer": 2, "scan": "reversed"}, "scan: 'reversed' only goes with layer 0, got 2"),
    ],
)
def test_wrong_scans_are_named(options, message):
    with pytest.raises(InputError, match=message):
        Stage(score=First(1.0), **options)
