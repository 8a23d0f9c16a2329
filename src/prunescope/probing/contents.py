"""Tokens without content, in place of an image's: whatever differs among them is their place."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

# (vocabulary, dim) vectors of the words, a number of tokens and a seeded generator -> (tokens, dim)
Content = Callable[[Tensor, int, Generator], Tensor]


def words(vectors: Tensor, count: int, random: Generator) -> Tensor:
    """Words drawn from the whole vocabulary, each as likely as any other."""
    return vectors[torch.randint(len(vectors), (count,), generator=random)]


def gaussian(vectors: Tensor, count: int, random: Generator) -> Tensor:
    """Vectors from a normal distribution with the words' mean and spread in each dimension."""
    noise = torch.randn(count, vectors.shape[1], generator=random)
    return vectors.mean(0) + vectors.std(0) * noise


def constant(vectors: Tensor, count: int, random: Generator) -> Tensor:
    """One drawn word, repeated."""
    return words(vectors, 1, random).expand(count, -1)


CONTENTS: dict[str, Content] = {"words": words, "gaussian": gaussian, "constant": constant}
