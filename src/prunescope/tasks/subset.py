"""Which examples are taken when a study wants fewer than there are."""

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

from prunescope.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset


def take(examples: "Dataset", limit: int | None, draw: int | None = None) -> "Dataset":
    """`limit` examples, in their order; all for None. InputError for a limit below 1.

    draw: None for the first, else the seed of a draw of whole images (but for the last one), the
    same share of each kind; fewer are a part of more.
    """
    if limit is None or limit >= len(examples):
        return examples
    if limit < 1:
        raise InputError(f"limit: must be at least 1 or null, got {limit}")
    chosen = range(limit) if draw is None else sorted(_drawn(examples, draw)[:limit])
    return examples.select(chosen)


def _drawn(examples: "Dataset", seed: int) -> list[int]:
    """All rows, image by image, so that any beginning has its share of each kind."""
    of, kinds = defaultdict(list), defaultdict(list)
    for row, (image, kind) in enumerate(zip(examples["image_id"], examples["kind"], strict=True)):
        if image not in of:
            kinds[kind].append(image)
        of[image].append(row)
    places = {}
    for images in kinds.values():
        shuffled = sorted(images, key=lambda image: _shuffle(seed, image))
        places |= {image: (i + 0.5) / len(images) for i, image in enumerate(shuffled)}
    order = sorted(places, key=lambda image: (places[image], image))
    return [row for image in order for row in of[image]]


def _shuffle(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
