"""Model card of a trained testbed: how it was made, and its accuracy with intervals."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import jinja2
import pandas as pd
import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.evaluation.evaluate import evaluate
from prunescope.methods import Method
from prunescope.provenance import digest
from prunescope.records.store import RecordStore
from prunescope.statistics.accuracy import by_method, estimates
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.tasks.card import read_task

HERE = Path(__file__).parent
TEMPLATE = HERE / "card.md.j2"


def accuracies(folder: Path, cards: list[str], store: Path | str) -> pd.DataFrame:
    """Accuracy of the unpruned model by task, and of `locate` by kind, with 95 % intervals.

    Columns: group, value, low, high, examples. cards: files of the tasks.
    """
    unpruned = {"unpruned": Method(name="unpruned")}
    checkpoint = Checkpoint("testbed", folder)
    tables = [
        evaluate(checkpoint, read_task(card), unpruned, RecordStore(store), batch_size=50)
        for card in cards
    ]
    records = pd.concat([table.to_pandas() for table in tables])
    boxes = records[records["task"] == "locate"]
    by_task = estimates(by_method(records), None, Bootstrap())
    by_kind = estimates(by_method(boxes, stratum="kind"), None, Bootstrap())
    return pd.concat([by_task, by_kind.assign(group="locate: " + by_kind["group"])])


def write_card(
    folder: Path,
    tower: str,
    positions: str,
    cards: list[str],
    recipes: dict[str, dict],
    minutes: Sequence[float],
) -> None:
    """Write the `README.md` of a model's folder.

    tower: a key of `vision.TOWERS`. positions: a key of `reader.POSITIONS`. cards: files of the
    tasks. recipes: numbers of each stage. minutes: how long each stage took, NaN if unknown.
    """
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    template = environment.from_string(TEMPLATE.read_text())
    text = template.render(
        tower=tower,
        positions=positions,
        accuracy=accuracies(folder, cards, "results/store").to_dict("records"),
        recipes=recipes,
        minutes=dict(zip(recipes, minutes, strict=True)),
        code=digest(sorted(HERE.glob("*.py")))[:16],
        versions={name: version(name) for name in ("prunescope", "torch", "transformers")},
        threads=torch.get_num_threads(),
        weights=(folder / "weights.sha256").read_text().split()[0],
    )
    (folder / "README.md").write_text(text)
