"""The model and prompts that checks run on."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import LongTensor, Tensor, nn
from transformers import LogitsProcessor
from transformers.utils import ModelOutput

from prunescope.criteria.attention import Attention
from prunescope.criteria.random import Random
from prunescope.criteria.uniform import Uniform
from prunescope.engine.caches import CACHE, cache_of
from prunescope.methods import Method, Stage
from prunescope.models import Family, Layout, family_of

Inputs = Mapping[str, Any]  # keyword arguments of a model's forward

STEPS = 4  # number of tokens of a continuation
ROPE, NOROPE = Attention(), Attention(rope=False)


@dataclass(frozen=True)
class Trial:
    """A model, several prompts together (padded on the left), and the same prompts one by one."""

    model: nn.Module
    inputs: Inputs
    singles: Sequence[Inputs]

    @cached_property
    def family(self) -> Family:
        return family_of(self.model)

    @cached_property
    def decoder(self) -> nn.Module:
        return self.family.decoder(self.model)

    @property
    def depth(self) -> int:
        return len(self.decoder.layers)

    @cached_property
    def layout(self) -> Layout:
        """Layout of all prompts together."""
        return self.family.layout(self.model, self.inputs)

    @property
    def full(self) -> list[int]:
        """Number of visual tokens of each prompt."""
        return self.layout.visual.sum(1).tolist()

    @cached_property
    def eager(self) -> nn.Module:
        """A copy of the model that can output its attention."""
        model = deepcopy(self.model)
        model.set_attn_implementation("eager")
        return model

    @property
    def compact(self) -> str:
        """The policy "compact", or "original" if the model's positions must not be renumbered."""
        fixed = getattr(self.decoder.config, "positions_are_places", False)
        return "original" if fixed else "compact"

    @property
    def methods(self) -> list[Method]:
        """Methods of one and two stages, from the first layer to the last."""
        last, compact = self.depth - 1, {"positions": self.compact}
        return [
            Method([Stage(2, ROPE, keep=0.4)], "one"),
            Method(
                [Stage(1, NOROPE, keep=0.5, always=Uniform(2)), Stage(last, NOROPE, keep=0.4)],
                "two",
            ),
            Method([Stage(0, Random(), keep=0.6), Stage(last, ROPE, keep=0.5)], "early"),
            Method(
                [Stage(0, Random(), keep=0.7, **compact), Stage(2, NOROPE, keep=0.5, **compact)],
                "compact",
            ),
            Method([Stage(1, NOROPE, keep=0.5, positions="shuffled")], "shuffled"),
        ]


@torch.inference_mode()
def prefill(model: nn.Module, inputs: Inputs) -> ModelOutput:
    """Output of `generate` after the prompt: its KV cache and the logits at its end."""
    # Unlike a plain call, `generate` counts positions from the first token after padding.
    return model.generate(
        **inputs,
        max_new_tokens=1,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )


@torch.inference_mode()
def generate(
    model: nn.Module, inputs: Inputs, forced: Sequence[int] | None = None
) -> tuple[LongTensor, Tensor]:
    """Greedy tokens (batch, STEPS) and the logits (batch, STEPS, vocabulary) that predict them.

    Neither a token of an image nor an end of sequence is generated. forced: generate these tokens.
    """
    placeholders = family_of(model).placeholders(model, inputs)
    out = model.generate(
        **inputs,
        max_new_tokens=STEPS,
        min_new_tokens=STEPS,
        do_sample=False,
        suppress_tokens=inputs["input_ids"][placeholders].unique().tolist(),
        logits_processor=[] if forced is None else [_Forced(forced)],
        output_logits=True,
        return_dict_in_generate=True,
    )
    return out.sequences[:, -STEPS:], torch.stack(out.logits, dim=1)


@torch.inference_mode()
def converse(model: nn.Module, inputs: Inputs, turns: Sequence[LongTensor]) -> Tensor:
    """Logits (tokens, vocabulary) of further turns (1, tokens) after one prompt, by plain calls
    that leave the positions to the model."""
    prompt = {name: value for name, value in inputs.items() if name != "labels"}
    cache, logits = cache_of(model(**prompt, use_cache=True)), []
    for turn in turns:
        out = model(input_ids=turn, use_cache=True, **{CACHE: cache})
        cache, logits = cache_of(out), [*logits, out.logits[0]]
    return torch.cat(logits)


class _Forced(LogitsProcessor):
    """Makes `generate` take the given tokens, whatever their logits."""

    def __init__(self, tokens: Sequence[int]):
        self._tokens = iter(tokens)

    def __call__(self, input_ids: LongTensor, scores: Tensor) -> Tensor:
        token = torch.tensor([next(self._tokens)], device=scores.device)
        return torch.full_like(scores, -torch.inf).index_fill(1, token, 0.0)
