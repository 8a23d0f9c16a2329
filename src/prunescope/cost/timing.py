"""Time and memory of an answer with each method, as measured on this machine."""

import inspect
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.cost.peak_memory import peak_bytes
from prunescope.cost.replays import side_information_of
from prunescope.cost.timed_decoding import continued, prefill
from prunescope.evaluation.evaluate import check_all
from prunescope.evaluation.out_of_memory import Portions
from prunescope.evaluation.shared_prefixes import Images
from prunescope.evaluation.side_information import possible
from prunescope.methods import Method
from prunescope.progress import Progress
from prunescope.pruning import prune
from prunescope.tasks import prompts
from prunescope.tasks.card import Task
from prunescope.tasks.examples import load_examples

if TYPE_CHECKING:
    from datasets import Dataset

TIMES = ("vision_ms", "prefill_ms", "decode_ms", "answer_ms")
PERCENTILES = {"_min": 0, "_q25": 25, "": 50, "_q75": 75}  # by the end of a column's name


def measure_times(
    checkpoint: Checkpoint,
    task: Task,
    methods: Mapping[str, Method],
    batch_size: int = 8,
    repeats: int = 20,
    warmup: int = 2,
    steps: int = 8,
) -> pd.DataFrame:
    """One row per method, on one batch of the task's prompts; on half of it if memory runs out.

    Columns: model, device, dtype, attn, batch_size, method. peak_bytes: most memory in use by the
    process, or on the device, during an answer, weights included. Milliseconds, as the median, with
    _min, _q25 and _q75: vision_ms and prefill_ms of a batch (of the language model, with the
    scores); decode_ms of one token of a batch; answer_ms of a batch from its pixels to 1 + `steps`
    tokens. The methods take turns, so that a change of the machine's load meets all of them.
    InputError if not even one prompt fits in memory.
    """
    examples = load_examples(task, batch_size)
    loaded = checkpoint.load()
    check_all(loaded.model, methods.values())
    methods = possible(methods, task, examples)
    [batch] = prompts.batches(examples, task, loaded.processor, batch_size)
    bench = Bench(loaded, task, methods, repeats, warmup, steps)
    # The first portion that fits stands for all.
    _, rows = next(Portions(bench.rows, batch_size).of(batch, ["times"]))
    setting = {"model": checkpoint.name, "device": checkpoint.device}
    setting |= {"dtype": checkpoint.dtype, "attn": checkpoint.attn}
    return pd.DataFrame([setting | row for row in rows])


class Bench:
    """Times all methods on a batch, in turns."""

    def __init__(
        self,
        loaded: Loaded,
        task: Task,
        methods: Mapping[str, Method],
        repeats: int,
        warmup: int,
        steps: int,
    ):
        self.loaded, self.task, self.methods = loaded, task, methods
        self.repeats, self.warmup, self.steps = repeats, warmup, steps

    def rows(
        self, batch: "Dataset", items: Sequence[str]
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield the rows of the table, for the one item of `Portions`."""
        model = self.loaded.model
        inputs = dict(
            prompts.prompts(batch, self.task, self.loaded.processor).to(model.device, model.dtype)
        )
        side = side_information_of(self.loaded, inputs, batch, self.methods)
        arguments = {name: side.of(method, batch) for name, method in self.methods.items()}
        stopwatch = Stopwatch(self.loaded, inputs, self.steps)
        laps = self._laps(stopwatch, arguments)
        rows = [
            {
                "batch_size": len(batch),
                "method": name,
                "peak_bytes": stopwatch.peak(method, arguments[name]),
                **_percentiles([lap[name] for lap in laps]),
            }
            for name, method in self.methods.items()
        ]
        for item in items:
            yield item, rows

    def _laps(
        self, stopwatch: "Stopwatch", arguments: Mapping[str, Mapping[str, Any]]
    ) -> list[dict[str, dict[str, float]]]:
        """The counted laps; each has the times of every method."""
        turns = self.warmup + self.repeats
        progress, laps = Progress(turns * len(self.methods), "timing: answers"), []
        for _ in range(turns):
            laps.append({})
            for name, method in self.methods.items():
                laps[-1][name] = stopwatch.lap(method, arguments[name])
                progress.advance()
        return laps[self.warmup :]


class Stopwatch:
    """Times the parts of an answer to one batch of prompts."""

    def __init__(self, loaded: Loaded, inputs: Mapping[str, Any], steps: int):
        self.model, self.inputs, self.steps = loaded.model, inputs, steps
        parameters = inspect.signature(self.model.get_image_features).parameters
        self.pixels = {name: inputs[name] for name in parameters if name in inputs}
        self.images = Images(loaded)  # encoded in the first lap, a warm-up, and then reused

    @torch.inference_mode()
    def lap(self, method: Method, arguments: Mapping[str, Any]) -> dict[str, float]:
        """Milliseconds of the vision tower, the prefill, one decoding step and the whole answer.

        arguments: of `prune`, besides the method.
        """
        mask = self.inputs["attention_mask"]
        vision_ms, _ = self._time(lambda: self.model.get_image_features(**self.pixels))
        with self.images.shared(), prune(self.model, method, **arguments):
            prefill_ms, (token, cache) = self._time(lambda: prefill(self.model, self.inputs))
            decoding_ms, _ = self._time(
                lambda: continued(self.model, mask, token, cache, self.steps)
            )
        return {
            "vision_ms": vision_ms,
            "prefill_ms": prefill_ms,
            "decode_ms": decoding_ms / self.steps,
            "answer_ms": vision_ms + prefill_ms + decoding_ms,
        }

    def peak(self, method: Method, arguments: Mapping[str, Any]) -> float:
        """Most bytes in use during a lap; NaN where the system does not report it."""
        return peak_bytes(lambda: self.lap(method, arguments), self.model.device)

    def _time(self, run: Callable[[], Any]) -> tuple[float, Any]:
        """Milliseconds of a call, and its result."""
        self._wait()
        start = time.perf_counter()
        result = run()
        self._wait()
        return 1e3 * (time.perf_counter() - start), result

    def _wait(self) -> None:
        """Wait until the device has finished its work."""
        if self.model.device.type == "cuda":
            torch.cuda.synchronize(self.model.device)


def _percentiles(laps: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Columns of the table for the times of one method."""
    columns = {}
    for name in TIMES:
        values = np.percentile([lap[name] for lap in laps], list(PERCENTILES.values()))
        columns |= {name + end: value for end, value in zip(PERCENTILES, values, strict=True)}
    return columns
