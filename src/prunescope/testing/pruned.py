"""Checks of pruned runs: exact, equal in any batch, with short caches, and without traces."""

from itertools import product
from typing import Any

import torch
from torch import LongTensor, Tensor, nn

from prunescope.criteria.random import Random
from prunescope.engine.caches import cache_of
from prunescope.methods import Method, Stage
from prunescope.pruning import prune
from prunescope.testing.oracle import masked, masked_logits
from prunescope.testing.trial import NOROPE, ROPE, STEPS, Trial, converse, generate, prefill

TOLERANCE = 1e-5  # between logits from equal arithmetic, relative to the largest
BATCHED = 1e-4  # between logits in a batch and alone, relative to the largest


def check_keeping_all_is_identity(trial: Trial) -> None:
    """Check that stages that keep all tokens change no bit of the logits."""
    tokens, logits = generate(trial.model, trial.inputs)
    scores = {0: Random(), 1: ROPE, trial.depth - 1: NOROPE}
    for positions in {"original", trial.compact}:
        stages = [
            Stage(layer, score, keep=1.0, positions=positions) for layer, score in scores.items()
        ]
        with prune(trial.model, Method(stages, "all")) as trace:
            pruned_tokens, pruned = generate(trial.model, trial.inputs)
        kept = [[len(indices) for indices in stage] for stage in trace.kept]
        assert kept == [trial.full] * len(stages), f"{positions}: kept {kept} of {trial.full}"
        assert torch.equal(tokens, pruned_tokens), f"{positions}: other tokens are generated"
        gap = _gap(pruned, logits)
        assert gap == 0, f"{positions}: logits differ by {gap:.1e}"


def check_dropping_is_masking(trial: Trial) -> None:
    """Check that logits are those of all tokens with the dropped ones masked, with and without a
    cache."""
    for method, (row, single) in product(trial.methods, enumerate(trial.singles)):
        if _shuffles(method):
            continue
        with prune(trial.model, method) as trace:
            tokens, logits = generate(trial.model, single)
        kept = [stage[0] for stage in trace.kept]
        oracles = masked_logits(trial.model, single, method, kept, tokens[0].tolist())
        for oracle, how in zip(oracles, ("decoding", "recomputing"), strict=True):
            gap = _gap(logits[0], oracle)
            assert gap <= TOLERANCE, (
                f"{method.name}, example {row}: logits differ by {gap:.1e} from masking ({how}); "
                f"by step {[_gap(*step) for step in zip(logits[0], oracle, strict=True)]}"
            )


def check_further_turns_go_on(trial: Trial) -> None:
    """Check that several new tokens at once, as in the second turn of a dialogue, get the logits of
    all tokens with the dropped ones masked."""
    for method, (row, single) in product(trial.methods, enumerate(trial.singles)):
        if _shuffles(method):
            continue
        tokens, _ = generate(trial.model, single)
        turns = tokens.split([STEPS - 1, 1], dim=1)
        with prune(trial.model, method) as trace:
            logits = converse(trial.model, single, turns)
        with masked(trial.model, single, method, [stage[0] for stage in trace.kept]):
            oracle = converse(trial.model, single, turns)
        gap = _gap(logits, oracle)
        assert gap <= TOLERANCE, f"{method.name}, example {row}: logits differ by {gap:.1e}"


def _shuffles(method: Method) -> bool:
    """Whether a stage exchanges positions, which no mask can imitate."""
    return any(stage.positions == "shuffled" for stage in method.stages)


def check_a_batch_equals_one_by_one(trial: Trial) -> None:
    """Check that kept and generated tokens, cache lengths and logits agree in a batch and alone."""
    for method in trial.methods:
        with prune(trial.model, method) as trace:
            tokens, logits = generate(trial.model, trial.inputs)
            together = [_outcome(trace, tokens, row) for row in range(len(tokens))]
            for row, single in enumerate(trial.singles):
                where = f"{method.name}, example {row}"
                alone_tokens, alone_logits = generate(trial.model, single)
                alone = _outcome(trace, alone_tokens, 0)
                for name, ours in together[row].items():
                    assert ours == alone[name], f"{where}: {name} {ours}, alone {alone[name]}"
                gap = _gap(logits[row], alone_logits[0])
                assert gap <= BATCHED, f"{where}: logits differ by {gap:.1e} in a batch"


def _outcome(trace: Any, tokens: LongTensor, row: int) -> dict[str, list]:
    return {
        "kept": [stage[row].tolist() for stage in trace.kept],
        "generated": tokens[row].tolist(),
        "cache lengths": [by_example[row] for by_example in trace.kv_lengths],
    }


def check_counts_and_order(trial: Trial) -> None:
    """Check that each stage keeps as many of the earlier tokens as it says, in raster order."""
    for method in trial.methods:
        with prune(trial.model, method) as trace:
            prefill(trial.model, trial.inputs)
        before = [torch.arange(n) for n in trial.full]
        for stage, kept in zip(method.stages, trace.kept, strict=True):
            where = f"{method.name}, layer {stage.layer}"
            for begun, earlier, later in zip(trial.full, before, kept, strict=True):
                least = stage.count(len(earlier), begun)
                assert (later.diff() > 0).all(), f"{where}: {later.tolist()} is not in order"
                assert torch.isin(later, earlier).all(), f"{where}: dropped tokens are back"
                most = len(earlier) if stage.always is not None else least
                assert least is None or least <= len(later) <= most, (
                    f"{where}: {len(later)} of {len(earlier)} tokens are kept, not {least}"
                )
            before = kept


def check_the_cache_is_short(trial: Trial) -> None:
    """Check that the caches of layers from a stage on lack the dropped tokens, and no others."""
    text = (trial.inputs["attention_mask"] - trial.layout.visual.long()).sum(1).tolist()
    for method in trial.methods:
        with prune(trial.model, method) as trace:
            cache = cache_of(prefill(trial.model, trial.inputs))
        left = [trial.full, *([len(indices) for indices in stage] for stage in trace.kept)]
        for layer in range(trial.depth):
            stages = sum(start <= layer for start in method.layers(trial.depth))
            expected = [visual + words for visual, words in zip(left[stages], text, strict=True)]
            lengths, stored = trace.kv_lengths[layer], cache.layers[layer].keys.shape[-2]
            where = f"{method.name}, layer {layer}"
            assert lengths == expected, f"{where}: cache lengths {lengths}, not {expected}"
            if stages > 0:
                counted = cache.get_seq_length(layer)
                assert counted == max(expected), f"{where}: {counted} columns, not {expected}"
                assert stored <= counted, f"{where}: {stored} columns are stored"


def check_nothing_stays(trial: Trial) -> None:
    """Check that no hook and no attribute stays after the `with`, nor after an exception."""
    # Called once before, since the first call may set attributes itself.
    logits = generate(trial.model, trial.inputs)[1]
    before, method = _state(trial.model), trial.methods[1]
    scored = trial.decoder.layers[method.stages[0].layer - 1]  # the layer whose queries are read
    hooked = [trial.decoder, *trial.decoder.layers, *trial.family.projections(scored)]
    for error in (None, ZeroDivisionError):
        try:
            with prune(trial.model, method):
                inside = _state(trial.model)
                prefill(trial.model, trial.inputs)
                if error is not None:
                    raise error
        except ZeroDivisionError:
            pass
        free = [type(module).__name__ for module in hooked if inside[module] == before[module]]
        assert not free, f"inside, no hook is on {free}"
        after = _state(trial.model)
        changed = [type(module).__name__ for module in before if after[module] != before[module]]
        assert not changed, f"hooks or attributes stay on {changed} (exception: {error})"
    gap = _gap(generate(trial.model, trial.inputs)[1], logits)
    assert gap == 0, f"logits differ by {gap:.1e} afterwards"


def _state(model: nn.Module) -> dict[nn.Module, Any]:
    """Numbers of hooks and names of attributes, by module."""
    return {
        module: (len(module._forward_pre_hooks), len(module._forward_hooks), set(vars(module)))
        for module in model.modules()
    }


def _gap(ours: Tensor, expected: Tensor) -> float:
    """Largest difference, relative to the largest expected value if that is above 1."""
    return ((ours - expected).abs().max() / expected.abs().max().clamp(min=1)).item()
