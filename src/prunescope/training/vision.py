"""Stage 1: the vision tower, pre-trained with dense supervision and then frozen.

Every patch predicts the colour, shape and quantised box of the object it belongs to (local), and
which (colour, shape) pairs and which background the image has (global): as in real encoders, some
information is local and some is everywhere.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel, PreTrainedModel, SiglipVisionConfig, SwinConfig

from prunescope.testbed.scenes import PATCH, SIDE, SPLITS, Scene, make_scene
from prunescope.training.labels import BACKGROUND_IDS, LOCAL_SIZES, N_PAIRS, SceneLabels, label
from prunescope.training.training import Recipe, train

WIDTH = 128
GLOBAL_WEIGHT = 0.5


# Width 128 on 12 x 12 patches. In SigLIP every patch attends to all; in Swin (arXiv 2103.14030)
# to windows of 6 x 6 that shift from layer to layer, with learned biases of relative position.
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
    """(batch, 3, SIDE, SIDE) in [-1, 1], as the saved image processor gives."""
    images = torch.from_numpy(np.stack([s.render() for s in scenes]))
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def features(tower: PreTrainedModel, pixel_values: Tensor) -> Tensor:
    """(batch, patches, WIDTH): the last block's output, what LLaVA takes at vision layer -1."""
    return tower(pixel_values=pixel_values, output_hidden_states=True).hidden_states[-1]


class DenseHeads(nn.Module):
    """Linear read-outs of every patch; they are dropped after the stage."""

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
    """A tower, of `TOWERS`, and its heads, for one optimiser."""

    def __init__(self, tower: str = "siglip"):
        super().__init__()
        self.tower = AutoModel.from_config(TOWERS[tower])
        self.heads = DenseHeads()


def stack(labels: list[SceneLabels]) -> tuple[Tensor, Tensor, Tensor]:
    """local (batch, patches, 6), pairs (batch, 30), background (batch,)."""
    return (
        torch.from_numpy(np.stack([item.local for item in labels])),
        torch.from_numpy(np.stack([item.pairs for item in labels])),
        torch.tensor([item.background for item in labels]),
    )


def dense_loss(model: Pretraining, scenes: list[Scene]) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of all read-outs, and how often they are right on object patches."""
    local, pairs, background = stack([label(s) for s in scenes])
    with torch.autocast("cpu", torch.bfloat16):
        outputs = model.heads(features(model.tower, pixels(scenes)))
    heads = [h.float() for h in outputs[0]]
    patches = local.shape[1]
    losses = [
        F.cross_entropy(h.flatten(0, 1), local[..., i].flatten()) for i, h in enumerate(heads)
    ]
    everywhere = F.binary_cross_entropy_with_logits(
        outputs[1].float(), pairs[:, None].expand(-1, patches, -1)
    )
    back = F.cross_entropy(
        outputs[2].float().flatten(0, 1), background[:, None].expand(-1, patches).flatten()
    )
    loss = sum(losses) + GLOBAL_WEIGHT * (N_PAIRS / 3 * everywhere + back)
    thing = local[..., 0] != LOCAL_SIZES[0] - 1
    right = [(h.argmax(-1) == local[..., i])[thing].float().mean() for i, h in enumerate(heads)]
    found = ((outputs[1] > 0) == (pairs[:, None] > 0.5)).all(-1).float().mean()
    names = ("color", "shape", "x1", "y1", "x2", "y2")
    return loss, {
        **dict(zip(names, right, strict=True)),
        "pairs": found,
        "everywhere": everywhere.detach(),
    }


def train_tower(
    recipe: Recipe, checkpoint: Path, tower: str = "siglip"
) -> tuple[Pretraining, dict]:
    """Train on the training split's scenes, from `recipe.seed` on."""
    torch.manual_seed(recipe.seed)
    model = Pretraining(tower)
    first = SPLITS["train"][recipe.seed * 10**8]

    def loss_at(step: int):
        seeds = range(first + step * recipe.batch, first + (step + 1) * recipe.batch)
        return dense_loss(model, [make_scene(seed) for seed in seeds])

    return model, train(model, loss_at, recipe, _is_matrix, checkpoint)


def _is_matrix(name: str) -> bool:
    return "encoder.layers" in name and "relative_position" not in name
