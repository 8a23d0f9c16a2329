"""Questions of the paper's benchmarks that its model answers in a second, and in which memory.

    PYTHONPATH=tests python -m helpers.rehearsal data/rehearsal/files
    python benchmarks/throughput.py --device cuda
    python benchmarks/throughput.py --size tiny --device cpu --examples 4     # a trial

Answers as in a study, from pictures to records. First all benchmarks, each with all METHODS at
once, in batches of the largest size. Then two benchmarks with each method by itself, in batches of
each size: boxes, with answers of 24 tokens, and a choice, with answers of one.
"""

import argparse
import time
from dataclasses import dataclass
from typing import Any

import paper_model
import torch
from record import write

from prunescope.checkpoints.loaded import Loaded
from prunescope.evaluation.answerer import Answerer
from prunescope.methods import Method, named_methods
from prunescope.tasks import prompts
from prunescope.tasks.card import Task

METHODS = ("unpruned", "fastv", "feather")
TASKS = ("refcoco", "tallyqa")
ALONE = 16  # examples in batches of one


@dataclass
class Bench:
    """A model, and the number of examples of a task that it answers."""

    loaded: Loaded
    examples: int

    def answer(self, task: Task, batch_size: int, methods: list[Method]) -> dict[str, Any]:
        """Seconds, examples in a second, and most bytes in use, weights included."""
        count = min(self.examples, ALONE) if batch_size == 1 else self.examples
        chosen = paper_model.examples(task, count)
        answerer = Answerer("paper", task, self.loaded)
        cuda = self.loaded.device.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        start, answers = time.perf_counter(), 0
        for batch in prompts.batches(chosen, task, self.loaded.processor, batch_size):
            answers += sum(len(records) for _, records in answerer.run(batch, methods))
        seconds = time.perf_counter() - start
        assert answers == len(methods) * count
        return {
            "task": task.name,
            "batch size": batch_size,
            "methods": [method.name for method in methods],
            "examples": count,
            "seconds": seconds,
            "examples per second": count / seconds,
            "peak bytes": torch.cuda.max_memory_allocated() if cuda else None,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=paper_model.SIZES, default="7b")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--examples", type=int, default=64)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32])
    options = parser.parse_args()
    bench = Bench(paper_model.build(options.size, options.device), options.examples)
    known = named_methods()
    methods = [known[name] for name in METHODS]
    cards = paper_model.paper_tasks()
    every = [bench.answer(card, max(options.batch), methods) for card in cards.values()]
    # Twice, and the second time counts: at first the device allocates memory of new sizes.
    alone = [
        [bench.answer(cards[name], batch, [method]) for _ in range(2)][1]
        for name in TASKS
        for batch in options.batch
        for method in methods
    ]
    weights = sum(weights.nbytes for weights in bench.loaded.model.parameters())
    measured = {**vars(options), "bytes of weights": weights, "all": every, "alone": alone}
    write(f"throughput-{options.size}-{options.device}", measured, ("torch", "transformers"))


if __name__ == "__main__":
    main()
