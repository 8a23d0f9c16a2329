"""Checks of attention scores against the attention of the model itself."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import product

import torch
from torch import BoolTensor, Tensor, nn

from prunescope.criteria.attention import VARIANTS, Attention
from prunescope.criteria.uniform import Uniform
from prunescope.methods import Method, Stage
from prunescope.pruning import prune
from prunescope.scores import record_scores
from prunescope.testing.oracle import Positions, masked
from prunescope.testing.selections import look
from prunescope.testing.trial import NOROPE, Inputs, Trial, prefill

TOLERANCE = 1e-5  # scores lie in [0, 1]


def check_scores_are_attention(trial: Trial) -> None:
    """Check that attention scores of all kinds are slices of the model's own attention."""
    for layer in range(trial.depth):
        selections = [look(trial.model, trial.inputs, layer, "own")]
        if layer + 1 < trial.depth:
            selections.append(look(trial.model, trial.inputs, layer + 1, "previous"))
        for fields, fixed_axes in _rotations(trial):
            weights = _attention_map(trial, trial.inputs, layer, fixed_axes)
            for kind in _kinds(fields):
                expected = _received(trial, weights, kind)
                for selection in selections:
                    _compare(kind.score(selection), expected, f"layer {layer}, {kind}")


def check_recorded_scores_are_attention(trial: Trial) -> None:
    """Check that `record_scores` gives the attention from the last token in every layer."""
    recorded = record_scores(trial.model, trial.inputs)
    shape = (len(trial.full), trial.depth, len(VARIANTS), max(trial.full))
    assert recorded.shape == shape, f"shape {tuple(recorded.shape)}, not {shape}"
    for layer, (variant, kind) in product(range(trial.depth), enumerate(VARIANTS.values())):
        fixed_axes = [] if kind.rope else range(len(trial.family.axes))
        weights = _attention_map(trial, trial.inputs, layer, fixed_axes)
        expected = _received(trial, weights, kind)
        _compare(recorded[:, layer, variant], expected, f"layer {layer}, rope {kind.rope}")


def check_later_stages_score_what_is_left(trial: Trial) -> None:
    """Check that a second stage scores by attention among the tokens that the first one kept."""
    first, layer = Stage(1, NOROPE, keep=0.5, always=Uniform(2)), trial.depth - 1
    for row, single in enumerate(trial.singles):
        selection = look(trial.model, single, layer, "previous", before=(first,))
        kept = selection.raster[0, selection.present[0]]
        visual = trial.family.layout(trial.model, single).visual[0]
        left, text = ~visual, ~trial.family.placeholders(trial.model, single)[0]
        left[visual.nonzero()[kept, 0]] = True
        for fields, fixed_axes in _rotations(trial):
            with masked(trial.eager, single, Method([first], "first"), [kept]):
                weights = _attention_map(trial, single, layer - 1, fixed_axes)[0]
            for kind in _kinds(fields):
                expected = _slice(weights, visual & left, left, text, kind)
                _compare(kind.score(selection), [expected], f"example {row} alone, {kind}")


def check_recorded_scores_give_the_kept_tokens(trial: Trial) -> None:
    """Check that a stage before layer K keeps the highest of `record_scores` at index K-1."""
    recorded = record_scores(trial.model, trial.inputs)
    variants = list(enumerate(VARIANTS.values()))
    for layer, (variant, kind) in product(range(1, trial.depth), variants):
        stage = Stage(layer, kind, keep=0.3)
        with prune(trial.model, Method([stage], "m")) as trace:
            prefill(trial.model, trial.inputs)
        for row, n in enumerate(trial.full):
            order = recorded[row, layer - 1, variant, :n].argsort(descending=True, stable=True)
            highest = order[: stage.count(n)].sort().values.tolist()
            kept = trace.kept[0][row].tolist()
            assert kept == highest, (
                f"layer {layer}, rope {kind.rope}, example {row}: kept {kept}, "
                f"the highest scores are those of {highest}"
            )


def _rotations(trial: Trial) -> list[tuple[dict, list[int]]]:
    """Fields of `Attention`, each with the axes of the positions by which it does not rotate."""
    axes = trial.family.axes
    rotations = [({"rope": True}, []), ({"rope": False}, list(range(len(axes))))]
    if len(axes) > 1:
        rotations += [({"without": axis}, [number]) for number, axis in enumerate(axes)]
    return rotations


def _kinds(fields: dict) -> Iterator[Attention]:
    """Scores with these fields, of all queries, softmaxes and poolings of heads."""
    choices = product(("last", "text-mean", "all-mean"), ("image", "row"), ("mean", "max"))
    return (Attention(query=q, softmax=s, heads=h, **fields) for q, s, h in choices)


@torch.inference_mode()
def _attention_map(trial: Trial, inputs: Inputs, index: int, fixed_axes: Sequence[int]) -> Tensor:
    """(batch, heads, seq, seq) attention of a layer, with position 0 for all on `fixed_axes`."""
    model = trial.eager
    decoder, positions = trial.family.decoder(model), Positions()

    def rotate(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        ids = positions.ids.clone()
        ids[list(fixed_axes)] = 0
        rotary = trial.family.rotary(decoder, index, args[0], ids)
        return args, {**kwargs, "position_embeddings": rotary}

    hooks = [(decoder, positions.forget), (decoder.rotary_emb, positions.see)]
    hooks += [(decoder.layers[index], rotate)] if fixed_axes else []
    with ExitStack() as cleanup:
        for module, hook in hooks:
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        out = model(**inputs, output_attentions=True, use_cache=False)
    return out.attentions[index]


def _received(trial: Trial, weights: Tensor, kind: Attention) -> list[Tensor]:
    """(n,) attention that the visual tokens of each example receive.

    weights: (batch, heads, seq, seq).
    """
    valid = trial.inputs["attention_mask"].bool()
    text = valid & ~trial.family.placeholders(trial.model, trial.inputs)
    rows = zip(weights, trial.layout.visual, valid, text, strict=True)
    return [_slice(*row, kind) for row in rows]


def _slice(
    weights: Tensor, visual: BoolTensor, valid: BoolTensor, text: BoolTensor, kind: Attention
) -> Tensor:
    """Attention (heads, seq, seq) -> (n,) that visual tokens receive; the masks are (seq,)."""
    queries = {
        "last": torch.arange(len(valid), device=valid.device) == len(valid) - 1,
        "text-mean": text,
        "all-mean": valid,
    }[kind.query]
    received = weights[:, queries][:, :, visual]  # (heads, queries, n)
    if kind.softmax == "image":
        total = received.sum(-1, keepdim=True)
        received = torch.where(total > 0, received / total, 0)
    return (received.mean(0) if kind.heads == "mean" else received.amax(0)).mean(0)


def _compare(scores: Tensor, expected: Sequence[Tensor], where: str) -> None:
    """Raise AssertionError unless scores (batch, n) are those expected of each example."""
    for row, values in enumerate(expected):
        gap = (scores[row, : len(values)] - values).abs().max().item()
        assert gap <= TOLERANCE, f"{where}, example {row}: scores differ by {gap:.1e}"
