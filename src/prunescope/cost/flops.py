"""Operations of a prefill: as they follow from the method, and as torch counts them."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from prunescope.cost.timed_decoding import prefill
from prunescope.criteria import Sizes
from prunescope.criteria.base import head_dim
from prunescope.evaluation.shared_prefixes import Images
from prunescope.methods import Method
from prunescope.models.tower import received_flops
from prunescope.pruning import Trace, prune


def layer_flops(config: Any, tokens: int) -> int:
    """Floating-point operations of one Llama decoder layer on a prompt of `tokens` tokens.

    Two for a multiplication and an addition. Projections of query and output, key and value;
    three matrices of SwiGLU; scores and weighted sum over the full square of tokens, as attention
    kernels are counted.
    """
    width, queries = config.hidden_size, config.num_attention_heads * head_dim(config)
    keys = config.num_key_value_heads * head_dim(config)
    matrices = 2 * width * queries + 2 * width * keys + 3 * width * config.intermediate_size
    return 2 * tokens * matrices + 2 * 2 * tokens**2 * queries


def prefill_flops(
    method: Method, config: Any, counts: Sequence[int], text: int, tower: int = 0
) -> int:
    """Operations of the language model's prefill of one prompt: layers, scores, one output token.

    config: of the decoder; counts: visual tokens before the first stage and after each; text: other
    tokens; tower: see `Sizes`. The vision tower and the projector do not depend on the method and
    are not in it.
    """
    depth = config.num_hidden_layers
    layers = method.layers(depth)
    total = 2 * config.hidden_size * config.vocab_size
    for layer in range(depth):
        total += layer_flops(config, text + counts[sum(start <= layer for start in layers)])
    for stage, visual in zip(method.stages, counts, strict=False):
        total += stage.criterion.flops(Sizes(visual, text, config, tower))
    return total


def tower_flops(images: Images) -> int:
    """`Sizes.tower` of images that are encoded."""
    if images.tower is None:
        return 0
    return received_flops(images.projected[images.tower.q_proj], images.features[0].shape[-2])


@torch.no_grad()  # the counter takes each operation apart itself in inference mode, which is slow
def counted_flops(
    model: nn.Module, method: Method, inputs: Mapping[str, Any], images: Images, **told: Any
) -> tuple[int, Trace]:
    """Operations of the language model's prefill, padding included, by torch's counter; and what
    was pruned.

    With eager attention, since torch counts no operations of its fused attention on the CPU.
    images: of the inputs, encoded before. told: to `prune`.
    """
    backend, counter = model.config._attn_implementation, FlopCounterMode(display=False)
    with ExitStack() as cleanup:
        cleanup.callback(model.set_attn_implementation, backend)
        model.set_attn_implementation("eager")
        cleanup.enter_context(images.shared())
        trace = cleanup.enter_context(prune(model, method, **told))
        with counter:
            prefill(model, inputs)
    return counter.get_total_flops(), trace
