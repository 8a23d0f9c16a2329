"""Operations of a prefill, computed from the method and counted by torch."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from prunescope.checkpoints.loaded import Loaded
from prunescope.cost.timed_decoding import prefill
from prunescope.criteria import Sizes
from prunescope.criteria.base import head_dim
from prunescope.evaluation.shared_prefixes import Images
from prunescope.methods import Method
from prunescope.models.tower import received_flops
from prunescope.pruning import Trace, prune


def layer_flops(config: Any, tokens: int) -> int:
    """Floating-point operations of one Llama decoder layer on a prompt of `tokens` tokens.

    A multiplication and an addition count as two. Counted are the projections of queries, keys,
    values and output, the three matrices of SwiGLU, and scores and weighted sums over the full
    square of tokens, as attention kernels are usually counted.
    """
    width, queries = config.hidden_size, config.num_attention_heads * head_dim(config)
    keys = config.num_key_value_heads * head_dim(config)
    matrices = 2 * width * queries + 2 * width * keys + 3 * width * config.intermediate_size
    return 2 * tokens * matrices + 2 * 2 * tokens**2 * queries


def prefill_flops(
    method: Method, config: Any, counts: Sequence[int], text: int, tower: int = 0
) -> int:
    """Operations of the language model's prefill of one prompt: layers, scores, one output token.

    The vision tower and the projector are left out, since they do not depend on the method.
    config: the decoder's. counts: visual tokens before the first stage and after each. text: other
    tokens. tower: operations of the tower's attention, for criteria that compute it (`Sizes`).
    """
    depth = config.num_hidden_layers
    starts = method.layers(depth)
    total = 2 * config.hidden_size * config.vocab_size
    for layer in range(depth):
        passed = sum(start <= layer for start in starts)  # stages before or at this layer
        total += layer_flops(config, text + counts[passed])
    # counts has one entry more: the last is what the last stage leaves
    for stage, visual in zip(method.stages, counts, strict=False):
        total += stage.score.flops(Sizes(visual, text, config, tower))
    return total


def tower_flops(images: Images) -> int:
    """Value of `Sizes.tower` for a batch of encoded images; 0 without a tower's attention."""
    if images.tower is None:
        return 0
    return received_flops(images.projected[images.tower.q_proj], images.features[0].shape[-2])


@torch.no_grad()  # in inference mode the counter is much slower
def counted_flops(
    loaded: Loaded, method: Method, inputs: Mapping[str, Any], images: Images, **arguments: Any
) -> tuple[int, Trace]:
    """Operations of the language model's prefill, padding included, as torch counts them; and the
    trace of the prefill.

    Runs with eager attention, since torch counts no operations of its fused attention on the CPU.
    images: of the inputs, already encoded. arguments: of `prune`, besides the method.
    """
    model, counter = loaded.model, FlopCounterMode(display=False)
    backend = model.config._attn_implementation
    with ExitStack() as cleanup:
        cleanup.callback(model.set_attn_implementation, backend)
        model.set_attn_implementation("eager")
        cleanup.enter_context(images.shared())
        trace = cleanup.enter_context(prune(model, method, **arguments))
        with counter:
            prefill(model, inputs)
    return counter.get_total_flops(), trace
