"""Parts of a task that jobs work on apart from each other."""

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
    """The `number`-th (from 1) of `count` parts: whole images, in the order in which they come.

    All parts one after the other are the examples, each once, where those of an image are
    neighbours. With more parts than images some are empty.
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise InputError(f"shard: must lie in 1..{self.count}, got {self.number}")

    def of(self, examples: "Dataset") -> "Dataset":
        """The examples (columns tasks.FIELDS) of this part."""
        if self.count == 1:
            return examples
        images = list(dict.fromkeys(examples["image_id"]))
        own = set(np.array_split(images, self.count)[self.number - 1])
        if not own:
            log.warning("shard %d of %d is empty: %d images", self.number, self.count, len(images))
        return examples.select([i for i, name in enumerate(examples["image_id"]) if name in own])


WHOLE = Shard()
