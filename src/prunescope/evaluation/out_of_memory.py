"""When memory runs out, half the batch is tried, and what is finished stays finished."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from prunescope.errors import InputError
from prunescope.methods import Method

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
CPU = "DefaultCPUAllocator: can't allocate memory"  # torch raises a plain RuntimeError there

Run = Callable[["Dataset", Sequence[Method]], Iterator[tuple[Method, Any]]]


class Portions:
    """Runs batches of at most `size` examples, of fewer once that was too much.

    run: (batch, methods) -> method by method what comes of it, such as records. `failed` are the
    sizes that were too much. Raises InputError if a single example is.
    """

    def __init__(self, run: Run, size: int):
        self.run, self.size = run, size
        self.failed: list[int] = []

    def of(self, batch: "Dataset", methods: Sequence[Method]) -> Iterator[tuple[Method, Any]]:
        """What comes of the batch, by method and portion."""
        waiting = [(batch, methods)]
        while waiting:
            portion, pending = waiting.pop()
            if len(portion) > self.size:
                waiting += self._cut(portion, pending)
                continue
            finished = set()
            try:
                for method, result in self.run(portion, pending):
                    finished.add(method.name)
                    yield method, result
                continue
            except RuntimeError as error:
                if not ran_out(error):
                    raise
            # Here, not above: the error holds on to the tensors of the calls that it came from.
            self._shrink(len(portion))
            waiting.append((portion, [each for each in pending if each.name not in finished]))

    def _cut(
        self, batch: "Dataset", methods: Sequence[Method]
    ) -> Iterator[tuple["Dataset", Sequence[Method]]]:
        """Portions of a batch, the last one first."""
        for start in reversed(range(0, len(batch), self.size)):
            yield batch.select(range(start, min(start + self.size, len(batch)))), methods

    def _shrink(self, size: int) -> None:
        self.size = half(size)
        self.failed.append(size)


def half(size: int) -> int:
    """How many examples to go on with where `size` did not fit, and room for them; InputError for
    one."""
    if size == 1:
        raise InputError("out of memory with one example: the device is too small for it")
    log.warning("out of memory with %d examples: going on with %d", size, size // 2)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return size // 2


def ran_out(error: RuntimeError) -> bool:
    """Whether it says that the memory of the device is full."""
    return isinstance(error, torch.OutOfMemoryError) or CPU in str(error)
