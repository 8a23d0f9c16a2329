"""Greedy answers in two parts for the stopwatch: the prefill, and the tokens after it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import LongTensor, Tensor, nn
from torch.nn import functional
from transformers import Cache

from prunescope.engine.caches import CACHE, cache_of


def prefill(model: nn.Module, inputs: Mapping[str, Any]) -> tuple[LongTensor, Cache]:
    """The first token (b, 1) of each answer, and the KV cache of the prompts."""
    output = model.generate(
        **inputs, max_new_tokens=1, do_sample=False, return_dict_in_generate=True
    )
    return output.sequences[:, -1:], cache_of(output)


def continued(
    model: nn.Module, mask: Tensor, token: LongTensor, cache: Cache, steps: int
) -> LongTensor:
    """`steps` more tokens (b, steps) after the first, even after the end of an answer.

    Call it within the `prune` of the prefill, which sets the positions. mask: (b, s), attention
    mask of the prompts.
    """
    tokens = [token]
    for _ in range(steps):
        mask = functional.pad(mask, (0, 1), value=1)
        output = model(input_ids=tokens[-1], attention_mask=mask, **{CACHE: cache})
        tokens.append(output.logits[:, -1:].argmax(-1))
    return torch.cat(tokens[1:], 1) if steps else token[:, :0]
