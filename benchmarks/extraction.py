"""Time of `record_scores` over that of a plain prefill: target at most 1.15.

    python benchmarks/extraction.py

The two are timed in turn on the shipped testbed, so that both see the same load of the machine.
Results are the median and the quartiles of the ratios of pairs.
"""

import time

import torch
from record import write

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.scores import record_scores
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import load_examples
from prunescope.tasks.prompts import prompts

PAIRS, WARMUP, BATCHES = 30, 3, (1, 8, 32)


def inputs_of(size: int, processor):
    """A batch of `size` prompts of the locate task, padded on the left."""
    task = read_task("data/tasks/locate.yaml")
    return prompts(load_examples(task, limit=size), task, processor)


@torch.inference_mode()
def plain(model, inputs) -> None:
    """A prefill without hooks."""
    model(**inputs, use_cache=False, logits_to_keep=1)


def seconds(run) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def ratios(model, inputs) -> list[float]:
    """Ratios of the time of the extraction to that of the plain prefill just before it."""
    recorded = {**inputs, "logits_to_keep": 1}
    pairs = [
        (seconds(lambda: plain(model, inputs)), seconds(lambda: record_scores(model, recorded)))
        for _ in range(WARMUP + PAIRS)
    ]
    return [ours / theirs for theirs, ours in pairs[WARMUP:]]


def main() -> None:
    measured = []
    for attn in ("sdpa", "eager"):
        loaded = Checkpoint("testbed", "data/testbed/rope", attn=attn).load()
        for size in BATCHES:
            samples = torch.tensor(ratios(loaded.model, inputs_of(size, loaded.processor)))
            low, middle, high = samples.quantile(torch.tensor([0.25, 0.5, 0.75])).tolist()
            measured.append(
                {"attn": attn, "batch": size, "ratio": middle, "quartiles": [low, high]}
            )
    threads = {"threads": torch.get_num_threads(), "pairs": PAIRS}
    write("extraction", {**threads, "cases": measured}, ("torch", "transformers"))


if __name__ == "__main__":
    main()
