"""Runs batches; halves them when memory runs out, and keeps finished results."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

from prunescope.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
# On the CPU, torch raises a plain RuntimeError with this text.
CPU_MESSAGE = "DefaultCPUAllocator: can't allocate memory"

Item = TypeVar("Item")
Result = TypeVar("Result")


class Portions(Generic[Item, Result]):
    """Runs batches in portions of at most `size` examples. Halves `size` when memory runs out.

    run: takes a portion and the items to compute for it, such as methods; yields each item with its
    result. `failed` lists the sizes that did not fit. InputError if a single example does not fit.
    """

    def __init__(
        self,
        run: Callable[["Dataset", Sequence[Item]], Iterator[tuple[Item, Result]]],
        size: int,
    ):
        self.run, self.size = run, size
        self.failed: list[int] = []

    def of(self, batch: "Dataset", items: Sequence[Item]) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result, portion by portion of the batch."""
        waiting = [(batch, list(items))]
        while waiting:
            portion, pending = waiting.pop()
            if len(portion) > self.size:
                waiting += self._cut(portion, pending)
                continue
            try:
                for item, result in self.run(portion, tuple(pending)):
                    pending.remove(item)
                    yield item, result
                continue
            except RuntimeError as error:
                if not ran_out(error):
                    raise
            # Not in the `except` block: there, the error keeps the tensors of its calls alive.
            self._shrink(len(portion))
            waiting.append((portion, pending))

    def _cut(
        self, batch: "Dataset", items: Sequence[Item]
    ) -> Iterator[tuple["Dataset", list[Item]]]:
        """Portions of a batch, the last one first: `of` takes them from the end."""
        for start in reversed(range(0, len(batch), self.size)):
            stop = min(start + self.size, len(batch))
            yield batch.select(range(start, stop)), list(items)

    def _shrink(self, failed: int) -> None:
        if failed == 1:
            raise InputError("out of memory with one example: the device is too small for it")
        self.size = failed // 2
        self.failed.append(failed)
        log.warning("out of memory with %d examples: going on with %d", failed, self.size)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def ran_out(error: RuntimeError) -> bool:
    """Whether an error says that the memory of the device is full."""
    return isinstance(error, torch.OutOfMemoryError) or CPU_MESSAGE in str(error)
