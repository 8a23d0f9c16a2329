"""Shards: parts of a task that separate jobs work on."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prunescope.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 1) of `count`: whole images, in the order of the examples.

    Every example is in exactly one shard. With more shards than images, some are empty.
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise InputError(f"shard: must lie in 1..{self.count}, got {self.number}")

    def of(self, examples: "Dataset") -> "Dataset":
        """The examples (columns `examples.FIELDS`) of this shard."""
        if self.count == 1:
            return examples
        images = list(dict.fromkeys(examples["image_id"]))
        chosen = set(np.array_split(images, self.count)[self.number - 1])
        if not chosen:
            log.warning("shard %d of %d is empty: %d images", self.number, self.count, len(images))
        rows = [row for row, image in enumerate(examples["image_id"]) if image in chosen]
        return examples.select(rows)


WHOLE = Shard()
