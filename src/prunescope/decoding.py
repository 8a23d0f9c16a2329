"""Greedy answers, with the same tokens as `model.generate`, of which the prefill is one call.

`generate` may run the vision tower before it calls the model; here the model's forward gets the
original inputs, so that what it shares with other methods can be taken from a record.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import LongTensor, Tensor, nn
from torch.nn import functional
from transformers import DynamicCache


def positions(mask: Tensor) -> LongTensor:
    """(b, s) position ids that count the tokens that are no padding, as `generate` does."""
    return (mask.long().cumsum(1) - 1).clamp(min=0)


def prefill(model: nn.Module, inputs: Mapping[str, Any]) -> tuple[LongTensor, DynamicCache]:
    """The first token (b, 1) of each answer, and the KV cache of the prompts."""
    output = model(
        **inputs,
        position_ids=positions(inputs["attention_mask"]),
        past_key_values=DynamicCache(config=model.config.get_text_config()),
        logits_to_keep=1,
    )
    return output.logits.argmax(-1), output.past_key_values


def continued(
    model: nn.Module, mask: Tensor, token: LongTensor, cache: DynamicCache, steps: int
) -> LongTensor:
    """`steps` more tokens (b, steps) after the first. mask: (b, s) of the prompts."""
    tokens = [token]
    for _ in range(steps):
        mask = functional.pad(mask, (0, 1), value=1)
        output = model(
            input_ids=tokens[-1],
            attention_mask=mask,
            position_ids=positions(mask)[:, -1:],
            past_key_values=cache,
        )
        tokens.append(output.logits[:, -1:].argmax(-1))
    return torch.cat(tokens[1:], 1) if steps else token[:, :0]


def greedy(model: nn.Module, inputs: Mapping[str, Any], limit: int) -> LongTensor:
    """Answers (b, limit) of at most `limit` tokens, end-of-text tokens after their end."""
    token, cache = prefill(model, inputs)
    rest = continued(model, inputs["attention_mask"], token, cache, limit - 1)
    answers = torch.cat([token, rest], 1)
    ends = model.generation_config.eos_token_id
    if ends is None:
        return answers
    ends = torch.as_tensor(ends, device=answers.device).reshape(-1)
    over = torch.isin(answers, ends).cumsum(1) > 0
    return answers.masked_fill(over, int(ends[0]))
