"""Visual tokens of generated scenes, each with what a patch-local tower may know of its patch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import repeat

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from prunescope.checkpoints.loaded import Loaded
from prunescope.errors import InputError
from prunescope.testbed.scenes import SIDE, Object, Scene
from prunescope.training.labels import BACKGROUND_IDS
from prunescope.training.patch_labels import NONE, SIZES, label_patches, shown_objects

BATCH = 32  # images that are encoded at once


@dataclass(frozen=True)
class VisualTokens:
    """Single tokens; all arrays have a row for each.

    vectors (n, width): output of the projector, scaled to an average variance of 1. image, patch
    (n,): index of the scene, and of the patch on the grid, row by row. owner (n,): index of the
    object that the patch shows, -1 for the background. covered (n, pixels): 1 where that object
    covers a pixel of the patch. local (n, 6), pairs (n, 30) and background (n,): as in
    `PatchLabels`. guesses: what follows from these facts, each (n, k). grid: patches along a side.
    """

    scenes: Sequence[Scene]
    grid: int
    vectors: np.ndarray
    image: np.ndarray
    patch: np.ndarray
    owner: np.ndarray
    covered: np.ndarray
    local: np.ndarray
    pairs: np.ndarray
    background: np.ndarray
    guesses: tuple[np.ndarray, ...] = ()

    def take(self, rows: np.ndarray) -> "VisualTokens":
        """Some of the tokens. rows: (n,) bool."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays = {k: v[rows] for k, v in values.items() if isinstance(v, np.ndarray)}
        guesses = tuple(guess[rows] for guess in self.guesses)
        return VisualTokens(**values | arrays | {"guesses": guesses})

    @cached_property
    def places(self) -> np.ndarray:
        """(n, grid * grid) 1 at the token's patch."""
        return one_hot(self.patch, self.grid**2)

    @cached_property
    def facts(self) -> np.ndarray:
        """(n, ...) all that a token may know: its place, colour and shape of what its patch shows,
        the sides of the object's box that cut its patch, the pixels that the object covers in it,
        and what the image holds."""
        local = [one_hot(self.local[:, i], size) for i, size in enumerate(SIZES)]
        image = [self.pairs, one_hot(self.background, len(BACKGROUND_IDS))]
        return np.concatenate([self.places, *local, self.covered, *image], axis=1)

    @cached_property
    def allowed(self) -> np.ndarray:
        """(n, ...) the facts, and the guesses if there are any."""
        return np.concatenate([self.facts, *self.guesses], axis=1)

    @property
    def objects(self) -> list[Object]:
        """The object that each token's patch shows, for tokens that all show one."""
        pairs = zip(self.image, self.owner, strict=True)
        return [self.scenes[image].objects[owner] for image, owner in pairs]

    @property
    def on_object(self) -> np.ndarray:
        """(n,) whether the patch shows an object."""
        return self.owner >= 0

    def cut_by(self, label: int) -> np.ndarray:
        """(n,) whether a side of the object's box, a column of `local`, cuts the patch."""
        return self.local[:, label] != NONE[label]


def one_hot(values: np.ndarray, size: int) -> np.ndarray:
    """(n,) class numbers -> (n, size) float32."""
    return np.eye(size, dtype=np.float32)[values]


def visual_tokens(loaded: Loaded, scenes: Sequence[Scene], per_image: int) -> VisualTokens:
    """`per_image` random tokens of each scene, from a model with one square of tokens an image.

    InputError for a model without a projector, or whose patches do not divide a scene.
    """
    grid, rng = scene_grid(loaded), np.random.default_rng(0)
    patches = np.stack([rng.permutation(grid**2)[:per_image] for _ in scenes])
    vectors = np.concatenate([*_vectors(loaded, scenes, patches)])
    return label_tokens(scenes, grid, patches, vectors / np.sqrt(vectors.var(0).mean()))


def label_tokens(
    scenes: Sequence[Scene], grid: int, patches: np.ndarray, vectors: np.ndarray
) -> VisualTokens:
    """Tokens with their labels. patches: (scenes, tokens) of grid x grid; vectors: (scenes *
    tokens, width)."""
    labels = [label_patches(scene, grid) for scene in scenes]
    owner = [shown_objects(scene, grid)[rows] for scene, rows in zip(scenes, patches, strict=True)]
    tokens = patches.shape[1]
    return VisualTokens(
        scenes=scenes,
        grid=grid,
        vectors=vectors,
        image=np.repeat(np.arange(len(scenes)), tokens),
        patch=patches.ravel(),
        owner=np.concatenate(owner),
        covered=np.concatenate([*map(_covered, scenes, repeat(grid), patches, owner)]),
        local=np.concatenate([of.local[rows] for of, rows in zip(labels, patches, strict=True)]),
        pairs=np.repeat([of.pairs for of in labels], tokens, axis=0),
        background=np.repeat([of.background for of in labels], tokens),
    )


def _covered(scene: Scene, grid: int, patches: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """(tokens, pixels) float32: 1 where the object that a patch shows covers a pixel of it."""
    side = SIDE // grid
    tiles = scene.owner.reshape(grid, side, grid, side).swapaxes(1, 2).reshape(grid**2, -1)
    return ((tiles[patches] == owner[:, None]) & (owner >= 0)[:, None]).astype(np.float32)


def scene_grid(loaded: Loaded) -> int:
    """Visual tokens along a side of an image; InputError as for `visual_tokens`."""
    name, grid = type(loaded.model).__name__, loaded.family.grid(loaded.model)
    if loaded.family.projector(loaded.model) is None:
        raise InputError(f"model: {name} has no projector whose output could be probed")
    if grid is None or grid[0] != grid[1] or SIDE % grid[0]:
        raise InputError(
            f"model: visual tokens must form a square whose side divides {SIDE}, got {grid}"
        )
    return grid[0]


@torch.inference_mode()
def _vectors(loaded: Loaded, scenes: Sequence[Scene], patches: np.ndarray) -> Iterator[np.ndarray]:
    """Outputs of the projector (tokens, width) at patches (scenes, tokens), by batch."""
    for start in range(0, len(scenes), BATCH):
        batch = slice(start, start + BATCH)
        vectors = projected(loaded, [Image.fromarray(scene.render()) for scene in scenes[batch]])
        rows = torch.from_numpy(patches[batch])
        yield vectors[torch.arange(len(rows))[:, None], rows].flatten(0, 1).numpy()


def projected(loaded: Loaded, images: Sequence[Image.Image]) -> Tensor:
    """(images, tokens, width) outputs of the projector in float32, on the CPU."""
    model, outputs = loaded.model, []
    inputs = loaded.processor.image_processor(images=list(images), return_tensors="pt")
    projector = loaded.family.projector(model)
    handle = projector.register_forward_hook(lambda module, args, output: outputs.append(output))
    try:
        loaded.family.base(model).get_image_features(**inputs.to(model.device, model.dtype))
    finally:
        handle.remove()
    return outputs[0].reshape(len(images), -1, outputs[0].shape[-1]).float().cpu()
