"""Ideal visual tokens: what a patch-local tower can know, as vectors of a pretrained decoder.

A token is the sum of learned vectors: colour and shape of what the patch shows (the background's
colour where it shows none); for each side of the object's box that cuts this patch, the side's
place in the image; the patch's row and column; and, equal in all patches, one vector for each
(colour, shape) pair in the image. The place of a side spares the decoder arithmetic: a patch sees
an edge, and knows where it is itself.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from prunescope.testbed.scenes import BACKGROUNDS, COLORS, SHAPES, Scene
from prunescope.training.patch_labels import NONE, SIZES, label_patches
from prunescope.training.vision import stack

WORD_SHARE = 0.3  # of a pair's vector at the start, in the decoder's word embeddings
PLACE_SPREAD = 0.5  # spread of the vectors of places at the start, in that of word embeddings
SIDE_WORDS = ("left", "top", "right", "bottom")
# A side's place starts out as this share of the location token that answers it, beside the word.
SIDE_SHARE, LOCATION_SHARE = 1.0, 0.5


class IdealTokens(nn.Module):
    """Visual tokens (batch, patches, width) of scenes, on grid x grid patches.

    locations: (BINS, width) vectors of the tokens that boxes are answered with.
    """

    def __init__(self, grid: int, words: "WordVectors", locations: Tensor):
        super().__init__()
        self.grid = grid
        self.colors = nn.Parameter(words.of(COLORS))
        self.shapes = nn.Parameter(words.of(SHAPES))
        self.backgrounds = nn.Parameter(words.of(BACKGROUNDS))
        pairs = [words.of([color]) + words.of(SHAPES) for color in COLORS]
        self.pairs = nn.Parameter(WORD_SHARE * torch.cat(pairs))  # (30, width)
        spread = PLACE_SPREAD * words.spread
        known = known_sides(words, locations)
        self.sides = nn.Parameter(spread * torch.randn(known.shape) + known)
        self.rows = nn.Parameter(spread * torch.randn(grid, words.width))
        self.columns = nn.Parameter(spread * torch.randn(grid, words.width))

    def forward(self, scenes: Sequence[Scene]) -> Tensor:
        local, pairs, background = stack([label_patches(scene, self.grid) for scene in scenes])
        color, shape = (local[..., i].clamp(max=SIZES[i] - 2) for i in (0, 1))
        thing = self.colors[color] + self.shapes[shape] + self._sides(local[..., 2:])
        shown = (local[..., 0] != NONE[0])[..., None]
        patches = torch.where(shown, thing, self.backgrounds[background][:, None])
        places = (self.rows[:, None] + self.columns).flatten(0, 1)  # (patches, width)
        return patches + places + (pairs @ self.pairs)[:, None]

    def refined(self, grid: int) -> "IdealTokens":
        """The same tokens on a finer grid: a row or column stands for the coarse one it lies in."""
        finer = copy.deepcopy(self)
        finer.grid = grid
        for name in ("rows", "columns"):
            places = getattr(self, name).detach().repeat_interleave(grid // self.grid, 0)
            setattr(finer, name, nn.Parameter(places, requires_grad=False))
        return finer

    def _sides(self, bins: Tensor) -> Tensor:
        """Sum of the four sides' vectors; bins: (batch, patches, 4)."""
        return sum(table[bins[..., side]] for side, table in enumerate(self.sides))


def known_sides(words: "WordVectors", locations: Tensor) -> Tensor:
    """What the decoder's own vectors tell of a side and its place, nothing for the last place
    ("none"): (4, BINS + 1, width)."""
    places = LOCATION_SHARE * (locations.detach() - locations.detach().mean(0))
    known = SIDE_SHARE * words.of(SIDE_WORDS)[:, None] + places
    return F.pad(known, (0, 0, 0, 1))


class WordVectors:
    """Vectors of English words: the decoder's embeddings of a word after a space, averaged.

    embeddings: (vocabulary, width). tokenize: a text -> ids without special tokens.
    """

    def __init__(self, embeddings: Tensor, tokenize):
        self.embeddings, self.tokenize = embeddings.detach().float(), tokenize
        self.width, self.spread = embeddings.shape[1], self.embeddings.std().item()

    def of(self, words) -> Tensor:
        """Vectors of several words, (words, width)."""
        return torch.stack([self.embeddings[self.tokenize(f" {word}")].mean(0) for word in words])
