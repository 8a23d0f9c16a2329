"""What a method costs: tokens, memory and arithmetic as they follow from it, and time as measured.

Promised and measured stand side by side: fewer operations are not the same share of time.
"""

import inspect
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.cost.flops import counted_flops, prefill_flops, tower_flops
from prunescope.cost.peak_memory import peak_bytes
from prunescope.cost.timed_decoding import continued, prefill
from prunescope.evaluation import side_information
from prunescope.evaluation.answerer import token_bytes
from prunescope.evaluation.evaluate import check_all
from prunescope.evaluation.out_of_memory import half, ran_out
from prunescope.evaluation.shared_prefixes import Images
from prunescope.methods import Method
from prunescope.models import family_of
from prunescope.pruning import Trace, prune
from prunescope.tasks import prompts
from prunescope.tasks.card import Task
from prunescope.tasks.examples import load_examples

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
GAP = 0.01  # between promised operations and counted ones, beyond which one of them is wrong
QUARTILES = (25, 50, 75)
TIMES = ("vision_ms", "prefill_ms", "decode_ms", "answer_ms")


def measure(
    checkpoint: Checkpoint,
    task: Task,
    methods: Mapping[str, Method],
    batch_size: int = 8,
    repeats: int = 10,
    warmup: int = 2,
    steps: int = 8,
) -> pd.DataFrame:
    """One row per method, on one batch of prompts of the task; on half of it if memory runs out.

    Columns: model, device, dtype, attn, batch_size, method; means over the batch of visual_tokens
    before the first stage, mean_tokens, kept_share (mean_tokens / visual_tokens), kv_bytes and
    prefill_flops of a prompt; counted_flops of the first prompt, as torch counts them, and
    counted_gap, by which share they exceed what follows for that prompt (a warning beyond `GAP`);
    peak_bytes of the process or device during an answer, weights included; vision_ms, prefill_ms
    and answer_ms (1 + `steps` tokens, from the pixels on) per batch, decode_ms per batch and token:
    median, with _q25 and _q75. Prefill is the language model's, scoring included; the methods take
    turns, so that a change in the machine's load meets all alike. InputError if not even one prompt
    fits in memory.
    """
    examples = load_examples(task, batch_size)
    model, processor = checkpoint.load()
    check_all(model, methods.values())
    methods = side_information.possible(methods, task, examples)
    about = {"model": checkpoint.name, "device": checkpoint.device}
    about |= {"dtype": checkpoint.dtype, "attn": checkpoint.attn}
    [batch] = prompts.batches(examples, task, processor, batch_size)

    def ask(part: "Dataset") -> dict[str, Any]:
        return dict(prompts.prompts(part, task, processor).to(model.device, model.dtype))

    while True:
        try:
            rows = _rows(model, ask, batch, methods, warmup, repeats, steps)
            return pd.DataFrame([about | {"batch_size": len(batch)} | row for row in rows])
        except RuntimeError as error:
            if not ran_out(error):
                raise
        # Here, not above: the error holds on to the tensors of the calls that it came from.
        batch = batch.select(range(half(len(batch))))


def _rows(
    model: nn.Module,
    ask: Callable[["Dataset"], dict[str, Any]],
    batch: "Dataset",
    methods: Mapping[str, Method],
    warmup: int,
    repeats: int,
    steps: int,
) -> list[dict[str, Any]]:
    """By method, what `measure` says of the batch; ask: its prompts, as the model takes them."""
    inputs = ask(batch)
    told = _told(model, inputs, batch, methods)
    stopwatch = _Stopwatch(model, inputs, steps)
    laps = [
        {name: stopwatch.lap(method, told[name]) for name, method in methods.items()}
        for _ in range(warmup + repeats)
    ][warmup:]
    counted = _counted(model, ask(batch.select([0])), methods, told)
    return [
        {
            "method": name,
            **_promised(model, method, laps[0][name]["trace"], stopwatch.images),
            **counted[name],
            "peak_bytes": stopwatch.peak(method, told[name]),
            **_spread([lap[name] for lap in laps]),
        }
        for name, method in methods.items()
    ]


@torch.inference_mode()
def _told(
    model: nn.Module,
    inputs: Mapping[str, Any],
    batch: "Dataset",
    methods: Mapping[str, Method],
) -> dict[str, dict[str, Any]]:
    """By method, what `prune` is to be told besides it: true boxes, tokens to replay."""
    told: dict[str, dict[str, Any]] = {
        name: {"boxes": torch.tensor(batch["box"][:])}
        if side_information.needs_boxes(method)
        else {}
        for name, method in methods.items()
    }
    for name, method in methods.items():
        if (source := side_information.replayed(method)) is not None:
            with prune(model, methods[source], **told[source]) as trace:
                prefill(model, inputs)
            told[name]["kept"] = trace.kept[-1]
    return told


class _Stopwatch:
    """Times the parts of an answer to one batch."""

    def __init__(self, model: nn.Module, inputs: Mapping[str, Any], steps: int):
        self.model, self.inputs, self.steps = model, inputs, steps
        names = inspect.signature(model.get_image_features).parameters
        self.seen = {name: inputs[name] for name in names if name in inputs}  # by the tower
        self.images = Images(model)  # from the first lap on, without the tower

    @torch.inference_mode()
    def lap(self, method: Method, told: Mapping[str, Any]) -> dict[str, Any]:
        """Milliseconds of vision, prefill, a decode step and all; and the trace. told: what
        `prune` is to be told besides."""
        mask = self.inputs["attention_mask"]
        vision, _ = self._time(lambda: self.model.get_image_features(**self.seen))
        with self.images.shared(), prune(self.model, method, **told) as trace:
            start, (token, cache) = self._time(lambda: prefill(self.model, self.inputs))
            rest, _ = self._time(lambda: continued(self.model, mask, token, cache, self.steps))
        return {
            "vision_ms": vision,
            "prefill_ms": start,
            "decode_ms": rest / self.steps,
            "answer_ms": vision + start + rest,
            "trace": trace,
        }

    def peak(self, method: Method, told: Mapping[str, Any]) -> float:
        """Bytes in use at the peak of a lap; NaN where the system does not tell."""
        return peak_bytes(lambda: self.lap(method, told), self.model.device)

    def _time(self, run: Callable[[], Any]) -> tuple[float, Any]:
        self._wait()
        start = time.perf_counter()
        result = run()
        self._wait()
        return 1e3 * (time.perf_counter() - start), result

    def _wait(self) -> None:
        if self.model.device.type == "cuda":
            torch.cuda.synchronize(self.model.device)


def _promised(model: nn.Module, method: Method, trace: Trace, images: Images) -> dict[str, float]:
    """Means over the batch of what follows from the tokens that were kept."""
    config = family_of(model).decoder(model).config
    full = (trace.segments[0].raster >= 0).sum(1).tolist()
    text = (trace.segments[0].valid.sum(1) - torch.tensor(full).to(model.device)).tolist()
    tower = tower_flops(images) // len(full)
    examples = []
    for row, visual in enumerate(full):
        counts = [visual, *(len(stage[row]) for stage in trace.kept)]
        mean = method.mean_tokens(counts[1:], visual, config.num_hidden_layers)
        examples.append(
            {
                "visual_tokens": visual,
                "mean_tokens": mean,
                "kept_share": mean / visual,
                "kv_bytes": token_bytes(model) * sum(each[row] for each in trace.kv_lengths),
                "prefill_flops": prefill_flops(method, config, counts, text[row], tower),
            }
        )
    return pd.DataFrame(examples).mean().to_dict()


@torch.no_grad()
def _counted(
    model: nn.Module,
    first: Mapping[str, Any],
    methods: Mapping[str, Method],
    told: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, float]]:
    """By method, the operations that torch counts for the first prompt of the batch. Alone, as it
    would count padding, too."""
    images, counted = Images(model), {}
    with images.shared():  # encodes them, which is not to be counted
        prefill(model, first)
    for name, method in methods.items():
        own = {what: each[:1] for what, each in told[name].items()}
        total, trace = counted_flops(model, method, first, images, **own)
        gap = total / _promised(model, method, trace, images)["prefill_flops"] - 1
        if abs(gap) > GAP:
            log.warning("%s: operations as torch counts them differ by %+.1f %%", name, 100 * gap)
        counted[name] = {"counted_flops": total, "counted_gap": gap}
    return counted


def _spread(laps: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Median and quartiles of the times of a method."""
    columns = {}
    for name in TIMES:
        low, middle, high = np.percentile([lap[name] for lap in laps], QUARTILES)
        columns |= {name: middle, f"{name}_q25": low, f"{name}_q75": high}
    return columns
