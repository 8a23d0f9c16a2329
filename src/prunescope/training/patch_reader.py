"""What one patch alone lets one guess of its object: a network that sees only facts of the patch.

An arc tells the size of a circle, and a slanted edge where a triangle ends. A token that knows its
patch well therefore knows something of sides in other patches. This reader says how much, so that
probes can tell it from what came from other patches. It never sees a model.
"""

import numpy as np
import torch
from torch import Tensor, nn

from prunescope.testbed.scenes import SPLITS, make_scene
from prunescope.training.visual_tokens import VisualTokens, label_tokens

FIRST_SCENE = 9 * 10**8  # of the training split
SCENES, PER_SCENE = 8000, 64
EPOCHS, BATCH, RATE = 10, 512, 4e-3
SIDES = 4  # left, top, right, bottom


class PatchReader(nn.Module):
    """Guesses the four sides of the box of the object that a patch shows, from `facts`."""

    def __init__(self, width: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.layers = nn.Sequential(
            nn.Linear(width, 256), nn.GELU(), nn.Linear(256, 128), nn.GELU(), nn.Linear(128, SIDES)
        )

    def forward(self, facts: Tensor) -> Tensor:
        """(n, width) facts -> (n, 4) distances of the sides from the patch, in its sides."""
        return self.layers((facts - self.mean) / self.spread)

    @torch.no_grad()
    def guess(self, tokens: VisualTokens) -> np.ndarray:
        """(n, 4) guessed sides as fractions of the image; 0 where a patch shows no object."""
        rows, guesses = tokens.on_object, np.zeros((len(tokens.patch), SIDES), np.float32)
        shown = tokens.take(rows)
        distances = self(torch.from_numpy(shown.facts)).numpy()
        guesses[rows] = (distances + origins(shown)) / tokens.grid
        return guesses


def origins(tokens: VisualTokens) -> np.ndarray:
    """(n, 4) column, row, column, row of each token's patch."""
    row, column = np.divmod(tokens.patch, tokens.grid)
    return np.stack([column, row] * 2, axis=1).astype(np.float32)


def train_reader(
    grid: int, scenes: int = SCENES, per_scene: int = PER_SCENE, epochs: int = EPOCHS
) -> PatchReader:
    """A reader of patches on grid x grid, trained on scenes of the training split."""
    torch.manual_seed(0)
    tokens = _examples(grid, scenes, per_scene)
    boxes = np.array([item.box for item in tokens.objects], np.float32) * grid
    facts, targets = torch.from_numpy(tokens.facts), torch.from_numpy(boxes - origins(tokens))
    reader = PatchReader(facts.shape[1])
    reader.mean, reader.spread = facts.mean(0), facts.std(0) + 0.05
    batches = [batch for _ in range(epochs) for batch in torch.randperm(len(facts)).split(BATCH)]
    optimizer = torch.optim.AdamW(reader.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, len(batches))
    for batch in batches:
        loss = nn.functional.mse_loss(reader(facts[batch]), targets[batch])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return reader.eval()


def _examples(grid: int, scenes: int, per_scene: int) -> VisualTokens:
    """Random patches that show an object, without vectors."""
    first, rng = SPLITS["train"][FIRST_SCENE], np.random.default_rng(0)
    drawn = [make_scene(seed) for seed in range(first, first + scenes)]
    patches = np.stack([rng.permutation(grid**2)[:per_scene] for _ in drawn])
    tokens = label_tokens(drawn, grid, patches, np.zeros((patches.size, 0), np.float32))
    return tokens.take(tokens.on_object)
