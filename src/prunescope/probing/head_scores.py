"""Attention scores by head, and of equal queries and keys: variants for `record_scores`."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from prunescope.criteria import Projected, Selection
from prunescope.criteria.attention import VARIANTS, Attention

BY_HEAD = {**VARIANTS, "rope-alone": Attention(keys="mean")}
EQUAL = "rope-equal"
NAMES = (*BY_HEAD, EQUAL)


@dataclass(frozen=True)
class OneHead(Attention):
    """The score of one attention head."""

    head: int = 0

    def score(self, selection: Selection) -> Tensor:
        return super().score(replace(selection, projected=_of_head(selection.projected, self.head)))


@dataclass(frozen=True)
class EqualVectors(Attention):
    """What RoPE makes of queries and keys that are all one and the same vector, of ones.

    This is the argument for a long-term decay (arXiv 2104.09864, section 3.4.3): only positions
    differ, so it depends on the frequencies alone, not on weights, layer or prompt.
    """

    def score(self, selection: Selection) -> Tensor:
        projected = selection.projected
        ones = torch.ones_like(projected.queries[:, :, :1])
        return super().score(
            replace(selection, projected=replace(projected, queries=ones, keys=ones))
        )


def variants(heads: int) -> Iterator[Attention]:
    """All scores to record: each of `BY_HEAD` for every head, then `EqualVectors`."""
    for attention in BY_HEAD.values():
        for head in range(heads):
            yield OneHead(rope=attention.rope, keys=attention.keys, head=head)
    yield EqualVectors()


def _of_head(projected: Projected, head: int) -> Projected:
    """Queries of one head and the keys that it attends to; several heads may share keys."""
    sharing = projected.queries.shape[2] // projected.keys.shape[2]
    queries = projected.queries[:, :, head : head + 1]
    keys = projected.keys[:, :, head // sharing : head // sharing + 1]
    return replace(projected, queries=queries, keys=keys)
