"""Stage 1: the vision tower is trained with dense supervision, and then frozen.

Every patch predicts colour, shape and quantised box of its own object (local). It also predicts
the (colour, shape) pairs and the background of the whole image (global). As in real encoders, some
information is then local, and some is everywhere.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel, PreTrainedModel, SiglipVisionConfig, SwinConfig

from prunescope.testbed.scenes import PATCH, SIDE, SPLITS, Scene, make_scene
from prunescope.training.labels import BACKGROUND_IDS, LOCAL_SIZES, N_PAIRS, SceneLabels, label
from prunescope.training.optimisation import Recipe, muon_and_adamw, train
from prunescope.training.patch_labels import PatchLabels

WIDTH = 128
GLOBAL_WEIGHT = 0.5
# Towers of width 128 on 12 x 12 patches. In SigLIP, every patch attends to all patches. In Swin
# (arXiv 2103.14030), it attends within windows of 6 x 6 patches that shift from layer to layer,
# with learned biases of relative position.
TOWERS = {
    "siglip": SiglipVisionConfig(
        image_size=SIDE,
        patch_size=PATCH,
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=4,
        num_attention_heads=4,
        vision_use_head=False,
    ),
    "swin": SwinConfig(
        image_size=SIDE,
        patch_size=PATCH,
        embed_dim=WIDTH,
        mlp_ratio=3.0,
        depths=[4],
        num_heads=[4],
        window_size=6,
        use_absolute_embeddings=True,
        drop_path_rate=0.0,
    ),
}


def pixels(scenes: list[Scene]) -> Tensor:
    """Rendered scenes (batch, 3, SIDE, SIDE) in [-1, 1], equal to the saved processor's output."""
    images = torch.from_numpy(np.stack([scene.render() for scene in scenes]))
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def features(tower: PreTrainedModel, pixel_values: Tensor) -> Tensor:
    """Output (batch, patches, WIDTH) of the last block, which LLaVA takes as vision layer -1."""
    return tower(pixel_values=pixel_values, output_hidden_states=True).hidden_states[-1]


class DenseHeads(nn.Module):
    """Linear read-outs of every patch; only this stage uses them."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.local = nn.Linear(WIDTH, sum(LOCAL_SIZES))
        self.pairs = nn.Linear(WIDTH, N_PAIRS)
        self.background = nn.Linear(WIDTH, len(BACKGROUND_IDS))

    def forward(self, hidden: Tensor) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
        hidden = self.norm(hidden)
        return (
            self.local(hidden).split(LOCAL_SIZES, -1),
            self.pairs(hidden),
            self.background(hidden),
        )


class Pretraining(nn.Module):
    """A tower of TOWERS and its heads, trained together."""

    def __init__(self, tower: str = "siglip"):
        super().__init__()
        self.tower = AutoModel.from_config(TOWERS[tower])
        self.heads = DenseHeads()


def stack(labels: Sequence[SceneLabels | PatchLabels]) -> tuple[Tensor, Tensor, Tensor]:
    """Labels as tensors: local (batch, patches, 6), pairs (batch, 30), background (batch,)."""
    return (
        torch.from_numpy(np.stack([scene.local for scene in labels])),
        torch.from_numpy(np.stack([scene.pairs for scene in labels])),
        torch.tensor([scene.background for scene in labels]),
    )


def dense_loss(model: Pretraining, scenes: list[Scene]) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of all read-outs, and metrics: accuracy on the patches of objects."""
    local, pairs, background = stack([label(scene) for scene in scenes])
    with torch.autocast("cpu", torch.bfloat16):
        outputs = model.heads(features(model.tower, pixels(scenes)))
    heads, pair_logits, background_logits = outputs
    heads = [head.float() for head in heads]
    pair_logits, background_logits = pair_logits.float(), background_logits.float()
    patches = local.shape[1]
    losses = [
        F.cross_entropy(head.flatten(0, 1), local[..., i].flatten()) for i, head in enumerate(heads)
    ]
    # Every patch predicts the labels of its whole image: these are repeated for all patches.
    pairs_loss = F.binary_cross_entropy_with_logits(
        pair_logits, pairs[:, None].expand(-1, patches, -1)
    )
    background_loss = F.cross_entropy(
        background_logits.flatten(0, 1), background[:, None].expand(-1, patches).flatten()
    )
    loss = sum(losses) + GLOBAL_WEIGHT * (N_PAIRS / 3 * pairs_loss + background_loss)
    on_object = local[..., 0] != LOCAL_SIZES[0] - 1  # the last class is the background
    right = [
        (head.argmax(-1) == local[..., i])[on_object].float().mean() for i, head in enumerate(heads)
    ]
    all_pairs_right = ((pair_logits > 0) == (pairs[:, None] > 0.5)).all(-1).float().mean()
    return loss, {
        **dict(zip(("color", "shape", "x1", "y1", "x2", "y2"), right, strict=True)),
        "pairs": all_pairs_right,
        "everywhere": pairs_loss.detach(),
    }


def train_tower(
    recipe: Recipe, checkpoint: Path, tower: str = "siglip"
) -> tuple[Pretraining, dict]:
    """Train a tower of TOWERS on the training split's scenes; returns the metrics as well."""
    torch.manual_seed(recipe.seed)
    model = Pretraining(tower)
    first = SPLITS["train"][recipe.seed * 10**8]

    def loss_at(step: int):
        seeds = range(first + step * recipe.batch, first + (step + 1) * recipe.batch)
        return dense_loss(model, [make_scene(seed) for seed in seeds])

    return model, train(
        model, loss_at, recipe, muon_and_adamw(model, recipe, _is_matrix), checkpoint
    )


def _is_matrix(name: str) -> bool:
    return "encoder.layers" in name and "relative_position" not in name
