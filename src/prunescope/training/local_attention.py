"""A SigLIP-type tower that starts as a convolution: most heads attend to one neighbouring patch.

A stock tower learns from few images much faster so (ConViT, arXiv 2103.10697). Only the start is
set: all weights are trained, and every head may learn to attend elsewhere.
"""

import math

import torch
from torch import Tensor, nn
from transformers import SiglipVisionModel

FREQUENCIES = 8  # of each axis; a patch's code is orthogonal to that of patches 1 to 15 away
CODE = 4 * FREQUENCIES  # first channels of the tower, and channels of a head
# Rows down and columns to the right of a patch to where its first heads look.
NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))
GAIN = 2.0  # of the attention logits: a neighbour then has most of the weight of 144 patches
BRANCH_SCALE = 0.3  # of what attention and MLP add at the start


@torch.no_grad()
def attend_locally(tower: SiglipVisionModel, grid: int) -> None:
    """Set a tower's start; its heads must have CODE channels, and the last ones look everywhere."""
    _write_places(tower.embeddings, grid)
    for layer in tower.encoder.layers:
        attention = layer.self_attn
        for head, steps in enumerate(NEIGHBOURS):
            _look(attention, slice(head * CODE, (head + 1) * CODE), steps)
        for branch in (attention.out_proj, layer.mlp.fc2):
            branch.weight *= BRANCH_SCALE
            branch.weight[:CODE] = 0  # the code of places passes through all layers


def place_codes(grid: int) -> Tensor:
    """Cosines and sines of the row and the column of each patch: (patches, CODE)."""
    angles = torch.arange(grid)[:, None] * _angular_rates()
    code = torch.stack([angles.cos(), angles.sin()], -1).flatten(1)  # (grid, CODE / 2)
    return torch.cat([code.repeat_interleave(grid, 0), code.repeat(grid, 1)], 1)


def _angular_rates() -> Tensor:
    return (torch.arange(FREQUENCIES) + 0.5) * math.pi / FREQUENCIES


def _write_places(embeddings: nn.Module, grid: int) -> None:
    """The code of places in the first channels, which the pixels leave alone at the start."""
    embeddings.patch_embedding.weight[:CODE] = 0
    embeddings.position_embedding.weight[:, :CODE] = math.sqrt(2) * place_codes(grid)


def _look(attention: nn.Module, head: slice, steps: tuple[int, int]) -> None:
    """Let a head attend to the patch that lies `steps` rows and columns away."""
    for projection in (attention.q_proj, attention.k_proj):
        projection.weight[head] = 0
    attention.k_proj.weight[head, :CODE] = torch.eye(CODE)
    attention.q_proj.weight[head, :CODE] = GAIN * _move(steps)


def _move(steps: tuple[int, int]) -> Tensor:
    """The matrix that maps a patch's code to that of the patch `steps` away: (CODE, CODE)."""
    turns = [_turn(angle) for step in steps for angle in step * _angular_rates()]
    return torch.block_diag(*turns)


def _turn(angle: Tensor) -> Tensor:
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cosine, -sine]), torch.stack([sine, cosine])])
