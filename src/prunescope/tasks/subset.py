"""The examples that are taken when a study wants fewer than there are."""

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

from prunescope.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset


def take(examples: "Dataset", limit: int | None, draw: int | None = None) -> "Dataset":
    """Take `limit` examples, in their order; all for None. InputError for a limit below 1.

    draw: None takes the first examples. A seed draws whole images (the last may be cut), the same
    share of each kind; a smaller limit takes a part of what a larger one takes.
    """
    if limit is None or limit >= len(examples):
        return examples
    if limit < 1:
        raise InputError(f"limit: must be at least 1 or null, got {limit}")
    chosen = range(limit) if draw is None else sorted(_shuffled_rows(examples, draw)[:limit])
    return examples.select(chosen)


def _shuffled_rows(examples: "Dataset", seed: int) -> list[int]:
    """All rows, image by image, so that any beginning has its share of each kind."""
    rows_of, images_of = defaultdict(list), defaultdict(list)  # by image, by kind
    for row, (image, kind) in enumerate(zip(examples["image_id"], examples["kind"], strict=True)):
        if image not in rows_of:
            images_of[kind].append(image)
        rows_of[image].append(row)
    # Each kind is spread evenly over 0..1; ordered by place, kinds are then mixed in proportion.
    places = {}
    for images in images_of.values():
        shuffled = sorted(images, key=lambda image: _shuffle_key(seed, image))
        places |= {image: (i + 0.5) / len(images) for i, image in enumerate(shuffled)}
    order = sorted(places, key=lambda image: (places[image], image))
    return [row for image in order for row in rows_of[image]]


def _shuffle_key(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
