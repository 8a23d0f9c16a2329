"""What it costs to evaluate all methods of a study together, and one by one.

    python benchmarks/evaluation.py

The methods of the default study on a batch of each of two tasks, three ways: together, sharing
what they have in common; each by itself, in the same batch; each by itself, one example at a time,
as the official code of FEATHER works. They take turns, and processor time on one thread is
counted, so that the load of the machine matters little; loading the model, which separate runs do
again and again, is not counted. Targets: together costs at most 1/2 of separate runs and 1/4 of
one example at a time.

"in one batch" is the time with several methods decoded in one batch, as on a GPU, over that of one
after the other. The share of decoding is from the same with answers of one token.
"""

import argparse
import time
from dataclasses import replace
from typing import Any

import pandas as pd
import torch
from record import write

from prunescope import config, tasks
from prunescope.answering import Answerer
from prunescope.checkpoint import Checkpoint
from prunescope.hints import possible, replayed
from prunescope.methods import Method, parse_methods
from prunescope.tasks import Task, read_task

STUDY, MODEL = "workflow/config/testbed.yaml", "data/testbed/rope"
Answers = dict[tuple[str, str], str]  # by method and example


class Bench:
    """All methods on the first examples of a task, in one batch."""

    def __init__(self, checkpoint: Checkpoint, task: Task, examples: int, few: int):
        self.task, self.few = task, few
        self.batch = tasks.load(task, examples)
        self.methods = list(possible(methods(), task, self.batch).values())
        model, processor = checkpoint.load()
        self.full, self.joined, self.short = (
            Answerer(checkpoint.name, each, model, processor)
            for each in (task, task, replace(task, max_new_tokens=1))
        )
        self.joined.joins = True

    def measure(self, repeats: int) -> dict[str, Any]:
        laps = pd.DataFrame([self.lap() for _ in range(repeats + 1)][1:])
        ratios = {
            "of separate": laps["together"] / laps["separate"],
            "of one at a time": laps["together"] / laps["one at a time"],
            "in one batch": laps["decoded in one batch"] / laps["together"],
            "share of decoding": 1 - laps["first token"] / laps["together"],
        }
        quartiles = {name: each.quantile([0.25, 0.75]).tolist() for name, each in ratios.items()}
        return {
            "task": self.task.name,
            "methods": len(self.methods),
            "seconds": laps.median().to_dict(),
            **{name: each.median() for name, each in ratios.items()},
            "quartiles": quartiles,
        }

    def lap(self) -> dict[str, float]:
        """Seconds of each way; the answers must be the same. What is done one at a time is done
        for a few examples, and its time is scaled."""
        alone = [[each] for each in self.methods]
        few = [self.batch.select([row]) for row in range(self.few)]
        together, answers = self.timed(self.full, [self.batch], [self.methods])
        first, _ = self.timed(self.short, [self.batch], [self.methods])
        joined, again = self.timed(self.joined, [self.batch], [self.methods])
        separate, same = self.timed(self.full, [self.batch], alone)
        slow, some = self.timed(self.full, few, alone)
        assert same == again == answers and some.items() <= answers.items()
        slow *= len(self.batch) / self.few
        return {
            "together": together, "separate": separate, "one at a time": slow, "first token": first,
            "decoded in one batch": joined,
        }  # fmt: skip

    def timed(
        self, answerer: Answerer, batches: list[Any], runs: list[list[Method]]
    ) -> tuple[float, Answers]:
        answers, start = {}, time.process_time()
        for pending in runs:
            for batch in batches:
                for method, records in answerer.run(batch, pending):
                    answers |= {(method.name, r["example"]): r["prediction"] for r in records}
        return time.process_time() - start, answers


def methods() -> dict[str, Method]:
    """Of the default study, without those that replay what was stored of others, and without those
    of `matched`: before they are solved they are copies of others, which cost nothing."""
    parsed = parse_methods(config.fixed(config.load(STUDY), STUDY), STUDY)
    return {name: each for name, each in parsed.items() if replayed(each) is None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=["locate", "exists"])
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--few", type=int, default=8, help="examples one at a time")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = Checkpoint("testbed", MODEL)
    cards = [read_task(f"data/tasks/{name}.yaml") for name in options.tasks]
    cases = [
        Bench(checkpoint, each, options.examples, options.few).measure(options.repeats)
        for each in cards
    ]
    write("evaluation", {**vars(options), "cases": cases}, ("torch", "transformers"))


if __name__ == "__main__":
    main()
