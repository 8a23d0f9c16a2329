"""Vision tower whose patches know what they show, where they are, and what the image holds.

Dense supervision: every patch predicts its `patch_labels`, and, weakly, the (colour, shape) pairs
and the background of the whole image, as image-level training gives them to real encoders.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import SiglipVisionConfig, SiglipVisionModel

from prunescope.testbed.scenes import SIDE, SPLITS, Scene, make_scene
from prunescope.training.labels import BACKGROUND_IDS, N_PAIRS
from prunescope.training.local_attention import CODE, attend_locally
from prunescope.training.optimisation import Recipe, muon_and_adamw, train
from prunescope.training.patch_labels import (
    LABELS,
    NONE,
    SIZES,
    label_patches,
)
from prunescope.training.vision import features, pixels, stack

WIDTH = 192
GLOBAL_WEIGHT = 0.5  # of what the image holds, beside the patches' own labels
FIRST_SCENE = 5 * 10**8  # of the training split; the decoder is trained on other scenes


def tower_config(grid: int) -> SiglipVisionConfig:
    """A SigLIP-type tower of 5 layers on grid x grid patches."""
    return SiglipVisionConfig(
        image_size=SIDE,
        patch_size=SIDE // grid,
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=5,
        num_attention_heads=WIDTH // CODE,
        vision_use_head=False,
    )


class PatchTower(nn.Module):
    """A tower with linear read-outs of every patch, which only its training uses."""

    def __init__(self, grid: int):
        super().__init__()
        self.grid = grid
        self.tower = SiglipVisionModel(tower_config(grid))
        attend_locally(self.tower, grid)
        self.norm = nn.LayerNorm(WIDTH)
        self.local = nn.Linear(WIDTH, sum(SIZES))
        self.pairs = nn.Linear(WIDTH, N_PAIRS)
        self.background = nn.Linear(WIDTH, len(BACKGROUND_IDS))

    def forward(self, pixel_values: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Logits of each label, of pairs and of the background: (batch, patches, classes)."""
        hidden = self.norm(features(self.tower, pixel_values))
        local = self.local(hidden).float().split(SIZES, -1)
        return local, self.pairs(hidden).float(), self.background(hidden).float()


def dense_loss(model: PatchTower, scenes: list[Scene]) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of all read-outs, and accuracies on the patches that show an object."""
    local, pairs, background = stack([label_patches(scene, model.grid) for scene in scenes])
    with torch.autocast("cpu", torch.bfloat16):
        heads, pair_logits, background_logits = model(pixels(scenes))
    patches = local.shape[1]
    # Every patch predicts what its image holds: these labels are repeated for all patches.
    everywhere = pairs[:, None].expand(-1, patches, -1)
    pairs_loss = F.binary_cross_entropy_with_logits(pair_logits, everywhere)
    background_loss = F.cross_entropy(
        background_logits.flatten(0, 1), background[:, None].expand(-1, patches).flatten()
    )
    local_loss = sum(
        F.cross_entropy(head.flatten(0, 1), local[..., i].flatten()) for i, head in enumerate(heads)
    )
    loss = local_loss + GLOBAL_WEIGHT * (N_PAIRS / 3 * pairs_loss + background_loss)
    return loss, _accuracies(heads, local) | {
        "pairs": ((pair_logits > 0) == (everywhere > 0.5)).all(-1).float().mean()
    }


def _accuracies(heads: list[Tensor], local: Tensor) -> dict[str, Tensor]:
    """Share of right labels, on patches that show an object; of sides also where one cuts."""
    shown = local[..., 0] != NONE[0]
    right = {
        name: (head.argmax(-1) == local[..., i])
        for i, (name, head) in enumerate(zip(LABELS, heads, strict=True))
    }
    accuracies = {name: hits[shown].float().mean() for name, hits in right.items()}
    cuts = local[..., 2] != NONE[2]
    return accuracies | {"left, where it cuts": right["left"][cuts].float().mean()}


def train_patch_tower(grid: int, recipe: Recipe, checkpoint: Path) -> tuple[PatchTower, dict]:
    """Train a tower on the training split's scenes; returns it with its last metrics."""
    torch.manual_seed(recipe.seed)
    model = PatchTower(grid)
    first = SPLITS["train"][FIRST_SCENE + recipe.seed * 10**8]

    def loss_at(step: int):
        seeds = range(first + step * recipe.batch, first + (step + 1) * recipe.batch)
        return dense_loss(model, [make_scene(seed) for seed in seeds])

    return model, train(
        model, loss_at, recipe, muon_and_adamw(model, recipe, _is_matrix), checkpoint
    )


def _is_matrix(name: str) -> bool:
    return "encoder.layers" in name
