"""Layers at which a model should prune to stand for the paper's, from its reading curve.

    python -m prunescope.training.stage_layers data/testbed/rope --out stage_layers.json

The curve is measured on the development split, so that a study of the test split can use the
layers. `statistics.reading_curve.same_place` states the rule.
"""

import argparse
import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.criteria.none import Nothing
from prunescope.errors import InputError
from prunescope.evaluation.evaluate import evaluate
from prunescope.method_names import BASELINE, NO_IMAGE, write
from prunescope.methods import Method, Stage, named_method
from prunescope.models import family_of
from prunescope.records.store import RecordStore
from prunescope.statistics.accuracy import LOCALIZATION
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading_curve import PAPER_DEPTH, Curve, same_place, schedule
from prunescope.tasks.card import Task, find_card, read_task
from prunescope.testbed.questions import ASK

SPLIT = "dev"
SCHEDULES = ("fastv", "feather", "pyramiddrop")  # methods of the library with the paper's layers
CURVE = ["group", "layer", "value", "low", "high", "read", "read low", "read high", "units"]


def read_cards(cards: Sequence[Path | str], protocol: str | None) -> dict[str, Task]:
    """Tasks by name, on the development split. InputError if none asks for boxes, since the rule
    goes by localization."""
    tasks = [read_task(card, protocol=protocol).of_split(SPLIT) for card in cards]
    if not any(task.localization for task in tasks):
        names = [task.name for task in tasks]
        raise InputError(f"cards: expected one with `localization: true` at least, got {names}")
    return {task.name: task for task in tasks}


def depth_of(checkpoint: Checkpoint) -> int:
    """Number of decoder layers; no weights are read."""
    model = checkpoint.skeleton()
    return len(family_of(model).decoder(model).layers)


def curve_methods(layers: Sequence[int]) -> dict[str, Method]:
    """The methods of a reading curve with points at `layers`, by name."""
    methods = [Method([Stage(k, Nothing())], write(NO_IMAGE, layer=k)) for k in (0, *layers)]
    return {method.name: method for method in [Method([], BASELINE), *methods]}


def measured(
    checkpoint: Checkpoint,
    tasks: Mapping[str, Task],
    layers: Sequence[int],
    store: RecordStore,
    questions: int,
    batch_size: int,
) -> Curve:
    """The reading curve of a model, from the first `questions` of each task."""
    methods = curve_methods(layers)
    tables = [
        evaluate(checkpoint, task, methods, store, batch_size=batch_size, limit=questions)
        for task in tasks.values()
    ]
    return Curve.of(pd.concat([table.to_pandas() for table in tables]))


def report(curve: Curve, bootstrap: Bootstrap) -> dict[str, Any]:
    """The curve, where the image is read, and by method the paper's layers and those that stand for
    them, or the reason why there are none."""
    reading = curve.reading(bootstrap, ())
    [read] = reading.loc[reading["group"] == LOCALIZATION, "most"]
    rule = " ".join(same_place.__doc__.split("\n\n")[1].split())
    return {
        "depth": curve.depth,
        "rule": rule,
        "schedules": {name: _schedule(name, read, curve.depth) for name in SCHEDULES},
        "reading": _rows(reading),
        "curve": _rows(curve.accuracies(bootstrap)[CURVE]),
    }


def _schedule(name: str, read: float, depth: int) -> dict[str, Any]:
    paper = named_method(name).layers(PAPER_DEPTH)
    if math.isnan(read):
        return {"paper": paper, "note": "the image adds no more than noise to localization"}
    try:
        return {"paper": paper, "layers": schedule(paper, read, depth)}
    except InputError as error:
        return {"paper": paper, "note": str(error)}


def summary(schedules: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each method."""
    return "\n".join(
        f"{name}: {found['paper']} of {PAPER_DEPTH} -> {found.get('layers') or found['note']}"
        for name, found in schedules.items()
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain data, with null for NaN and five decimals."""
    return json.loads(table.to_json(orient="records", double_precision=5))


def main() -> None:
    """Measure the model of a folder, write the file and print the layers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the model, as transformers saves it")
    parser.add_argument("--cards", nargs="+", default=[find_card(task) for task in ASK])
    parser.add_argument("--protocol", help="of the cards")
    parser.add_argument("--layers", nargs="+", type=int, help="K of the curve (default: all)")
    parser.add_argument("--questions", type=int, default=100, help="of each task")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--store", default="results/store", help="folder of the records")
    parser.add_argument("--out", default="stage_layers.json")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(options.threads)
    checkpoint = Checkpoint(options.folder.name, options.folder, device=options.device)
    layers = options.layers or range(1, depth_of(checkpoint))
    tasks = read_cards(options.cards, options.protocol)
    curve = measured(
        checkpoint, tasks, layers, RecordStore(options.store), options.questions, options.batch_size
    )
    facts = {"model": checkpoint.name, "weights": checkpoint.weights, "split": SPLIT}
    content = facts | {"questions": options.questions} | report(curve, Bootstrap())
    Path(options.out).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    print(summary(content["schedules"]))


if __name__ == "__main__":
    main()
