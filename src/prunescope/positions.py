"""Position ids of the tokens that are left, where a stage changes them."""

import torch
from torch import BoolTensor, LongTensor

from prunescope.draws import generator


def closed_up(positions: LongTensor, valid: BoolTensor) -> LongTensor:
    """Numbers that no valid token (b, s) has on any axis are closed up, from the smallest on.

    positions: (axes, b, s). On one axis the tokens are numbered through; with several, tokens
    that shared a row or a column still do.
    """
    axes, batch, length = positions.shape
    first = positions.masked_fill(~valid, positions.max()).amin((0, 2))
    flat = positions.transpose(0, 1).reshape(batch, axes * length)
    used = valid.repeat(1, axes)
    taken = torch.zeros(batch, int(positions.max()) + 1, dtype=torch.long, device=flat.device)
    taken.scatter_reduce_(1, flat, used.long(), "amax")
    ranks = (taken.cumsum(1) - 1).clamp(min=0)
    closed = first[:, None] + ranks.gather(1, flat)
    return closed.reshape(batch, axes, length).transpose(0, 1)


def permuted(positions: LongTensor, visual: BoolTensor, content: list[bytes]) -> LongTensor:
    """The visual tokens (b, s) of each example exchange their positions (axes, b, s) at random.

    The control of FEATHER (arXiv 2412.13180, table A3); the permutation depends on the example's
    content only.
    """
    positions = positions.clone()
    for row, each in enumerate(content):
        columns = visual[row].nonzero()[:, 0]
        order = torch.randperm(len(columns), generator=generator(0, each)).to(columns.device)
        positions[:, row, columns] = positions[:, row, columns[order]]
    return positions
