"""Time to evaluate all methods of a study together, and one by one.

    python benchmarks/evaluation.py
    PYTHONPATH=tests python -m helpers.rehearsal data/rehearsal/files
    python benchmarks/evaluation.py --size 7b --device cuda --tasks refcoco --examples 8 \
      --few 1 --repeats 1

Takes the methods of the full study of the testbed, or with `--size` those of the paper's study, on
a batch of each of two tasks. Three ways take turns: together, sharing what they have in common;
each by itself, in the same batch; each by itself, one example at a time, as the official code of
FEATHER works. On a CPU, processor time of one thread is counted, so that the load of the machine
matters little. Loading the model is not counted, though separate runs repeat it. Targets: together
takes at most 1/2 of separate runs and 1/4 of one example at a time.

"in one batch" is the time with several methods decoded in one batch, as on a GPU, over that of one
after the other, as on a CPU. The share of decoding comes from runs with answers of one token. With
`--size` the weights are random; near ties decide the answers then, and they are not compared.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import paper_model
import torch
from record import write

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.evaluation.answerer import Answerer
from prunescope.evaluation.side_information import possible, replayed
from prunescope.methods import Method, parse_methods
from prunescope.study import Study
from prunescope.tasks.card import Task, read_task
from prunescope.tasks.examples import load_examples

if TYPE_CHECKING:
    from datasets import Dataset

STUDY, MODEL = "workflow/config/testbed-full.yaml", "data/testbed/rope"
Answers = dict[tuple[str, str], str]  # by method and example


class Bench:
    """The methods of a study, on a batch of a task."""

    def __init__(
        self,
        study: str,
        task: Task,
        batch: "Dataset",
        few: int,
        loaded: Loaded,
    ):
        self.task, self.batch, self.few = task, batch, few
        self.methods = list(possible(methods(study), task, batch).values())
        self.apart, self.joined, self.short = (
            Answerer("model", card, loaded)
            for card in (task, task, replace(task, max_new_tokens=1))
        )
        self.usual = "in one batch" if self.joined.joins else "one after the other"
        self.apart.joins, self.joined.joins = False, not self.joined.chooses
        self.clock = _seconds_of_gpu if loaded.device.type == "cuda" else time.process_time

    def measure(self, repeats: int) -> dict[str, Any]:
        laps = pd.DataFrame([self.lap() for _ in range(repeats + 1)][1:])
        together = laps[self.usual]
        ratios = {
            "of separate": together / laps["separate"],
            "of one at a time": together / laps["one at a time"],
            "in one batch": laps["in one batch"] / laps["one after the other"],
            "share of decoding": 1 - laps["first token"] / together,
        }
        quartiles = {name: laps.quantile([0.25, 0.75]).tolist() for name, laps in ratios.items()}
        return {
            "task": self.task.name,
            "methods": len(self.methods),
            "together": self.usual,
            "seconds": laps.median().to_dict(),
            **{name: laps.median() for name, laps in ratios.items()},
            "quartiles": quartiles,
        }

    def lap(self) -> Mapping[str, float]:
        """Seconds of each way; all must give the same answers. One at a time is done for a few
        examples, and its time is scaled."""
        alone = [[method] for method in self.methods]
        few = [self.batch.select([row]) for row in range(self.few)]
        seconds, answers = {}, []
        for name, answerer, batches, runs in (
            ("one after the other", self.apart, [self.batch], [self.methods]),
            ("in one batch", self.joined, [self.batch], [self.methods]),
            ("separate", self.apart, [self.batch], alone),
            ("one at a time", self.apart, few, alone),
            ("first token", self.short, [self.batch], [self.methods]),
        ):
            seconds[name], texts = self.timed(answerer, batches, runs)
            answers.append(texts)
        seconds["one at a time"] *= len(self.batch) / self.few
        if self.task.source == "testbed":
            whole, again, same, some, _ = answers
            assert whole == again == same and some.items() <= whole.items()
        return seconds

    def timed(
        self, answerer: Answerer, batches: list["Dataset"], runs: list[list[Method]]
    ) -> tuple[float, Answers]:
        answers, start = {}, self.clock()
        for pending in runs:
            for batch in batches:
                for method, records in answerer.run(batch, pending):
                    answers |= {(method.name, r["example"]): r["prediction"] for r in records}
        return self.clock() - start, answers


def _seconds_of_gpu() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


def methods(study: str) -> dict[str, Method]:
    """Methods of a study, without replays, which need stored records, and without those of
    `matched`, which before they are solved are copies of others and cost nothing."""
    parsed = parse_methods(Study.load(study).fixed, study)
    return {name: method for name, method in parsed.items() if replayed(method) is None}


def benches(options: argparse.Namespace) -> list[Bench]:
    """One for each task."""
    if options.size is not None:
        loaded = paper_model.build(options.size, options.device)
        known, study, take = paper_model.paper_tasks(), paper_model.STUDY, paper_model.examples
        cards = [known[name] for name in options.tasks]
    else:
        torch.set_num_threads(1)
        loaded = Checkpoint("testbed", MODEL, device=options.device).load()
        cards, study = [read_task(f"data/tasks/{name}.yaml") for name in options.tasks], STUDY
        take = load_examples
    few = options.few
    return [Bench(study, card, take(card, options.examples), few, loaded) for card in cards]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=paper_model.SIZES, help="of the paper's model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tasks", nargs="+", default=["locate", "exists"])
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--few", type=int, default=8, help="examples one at a time")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cases = [bench.measure(options.repeats) for bench in benches(options)]
    parts = [] if options.size is None else [options.size, options.device, *options.tasks]
    write(
        "-".join(["evaluation", *parts]),
        {**vars(options), "cases": cases},
        ("torch", "transformers"),
    )


if __name__ == "__main__":
    main()
