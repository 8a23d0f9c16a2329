"""Gates of fitness: what a testbed must do before a study of pruning may use it.

    python -m prunescope.training.gates data/testbed/rope --out gates.json

A gate compares an estimate on the development split with fixed bounds. What else is measured is a
finding.
"""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.method_names import BASELINE
from prunescope.records.store import RecordStore
from prunescope.tasks.card import Task, find_card
from prunescope.testbed.questions import ASK
from prunescope.training.fitness import (
    DIFFERENT,
    LOCATE,
    ONE_PATCH,
    SPLIT,
    TEXT_ONLY,
    TRUE_BOX,
    Estimate,
    Extent,
    accuracy_of,
    measured,
    read_cards,
    share_of,
    usual_layer,
)

NUMBERS = fields(Extent)[1:]  # all but the layer


@dataclass(frozen=True)
class Gate:
    """Bounds of the estimate `name`; None is open."""

    name: str
    low: float | None = None
    high: float | None = None

    @property
    def bound(self) -> str:
        """The bounds in words."""
        if self.high is None:
            return f">= {self.low}"
        return f"<= {self.high}" if self.low is None else f"{self.low} to {self.high}"

    def is_met(self, value: float) -> bool:
        """Whether a value lies within the bounds, ends included; False for NaN."""
        low = float("-inf") if self.low is None else self.low
        high = float("inf") if self.high is None else self.high
        return bool(low <= value <= high)

    def judged(self, estimate: Estimate) -> dict[str, Any]:
        """Plain data of the estimate, the bounds and the verdict."""
        bounds = {"low": self.low, "high": self.high, "bound": self.bound}
        return estimate.to_dict() | bounds | {"met": self.is_met(estimate.value)}


GATES = (
    Gate(accuracy_of(LOCATE, BASELINE), low=0.85),
    *(Gate(accuracy_of(task, BASELINE), low=0.95) for task in ("exists", "color", "shape")),
    Gate(accuracy_of("count", BASELINE), low=0.80),
    Gate(accuracy_of(LOCATE, TEXT_ONLY), high=0.10),
    Gate(share_of(ONE_PATCH), high=0.30),
    Gate(share_of(TRUE_BOX), low=0.90),
    Gate(share_of("uniform"), low=0.40, high=0.80),
    Gate(share_of("last-quarter"), high=0.40),
    Gate(DIFFERENT, low=0.90),
)


def judge(estimates: Sequence[Estimate]) -> dict[str, list[dict[str, Any]]]:
    """The gates, judged by the estimates of their names, and all other estimates as findings."""
    by_name = {estimate.name: estimate for estimate in estimates}
    gates = [gate.judged(by_name.pop(gate.name)) for gate in GATES]
    return {"gates": gates, "findings": [estimate.to_dict() for estimate in by_name.values()]}


def report(
    checkpoint: Checkpoint, tasks: Mapping[str, Task], store: Path | str, extent: Extent
) -> dict[str, Any]:
    """Content of `gates.json`. tasks: as from `fitness.read_cards`. store: folder of records."""
    estimates = measured(checkpoint, tasks, RecordStore(store), extent)
    return {
        "model": checkpoint.name,
        "weights": checkpoint.weights,
        "split": SPLIT,
        "layer": extent.layer,
        "questions": {name: extent.questions(name) for name in tasks},
    } | judge(estimates)


def write_json(path: Path | str, content: Mapping[str, Any]) -> None:
    """Write plain data; ValueError for NaN."""
    Path(path).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def summary(content: Mapping[str, Any]) -> str:
    """A line for each gate."""
    lines = [
        f"{'met' if gate['met'] else 'MISSED':6} {gate['name']}: {gate['value']}, {gate['bound']}"
        for gate in content["gates"]
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure the model of a folder, write the file and print the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the model, as transformers saves it")
    parser.add_argument("--cards", nargs="+", default=[find_card(task) for task in ASK])
    parser.add_argument("--protocol", help="of the cards")
    parser.add_argument("--store", default="results/store", help="folder of the records")
    parser.add_argument("--out", default="gates.json")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--layer", type=int, help="K (default: 3 of 30 or 32 layers, 1 of 12)")
    for number in NUMBERS:
        option = f"--{number.name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=number.default)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(options.threads)
    checkpoint = Checkpoint(options.folder.name, options.folder, device=options.device)
    numbers = {number.name: getattr(options, number.name) for number in NUMBERS}
    extent = Extent(options.layer or usual_layer(checkpoint), **numbers)
    tasks = read_cards(options.cards, options.protocol)
    content = report(checkpoint, tasks, options.store, extent)
    write_json(options.out, content)
    print(summary(content))


if __name__ == "__main__":
    main()
