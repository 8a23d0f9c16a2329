"""The scores of every layer of a task's examples, on disk."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.criteria.attention import VARIANTS, Attention
from prunescope.errors import InputError
from prunescope.evaluation.out_of_memory import Portions
from prunescope.methods import Method
from prunescope.models import Layout, family_of
from prunescope.models.layout import Grid
from prunescope.provenance import engine_digest
from prunescope.scores import record_scores
from prunescope.tasks import prompts
from prunescope.tasks.card import Task
from prunescope.tasks.examples import load_examples
from prunescope.tasks.shards import WHOLE, Shard

if TYPE_CHECKING:
    from datasets import Dataset

UNPRUNED = Method("unpruned", ())
EXTRACTED = {**VARIANTS, "rope-alone": Attention(keys="mean")}


def extract(
    checkpoint: Checkpoint,
    task: Task,
    out: Path | str,
    batch_size: int = 32,
    limit: int | None = None,
    shard: Shard = WHOLE,
) -> None:
    """Write the scores of every layer, with and without RoPE and with nothing else, of a shard of
    the task's first examples.

    out: Zarr of one variable `score` (example, layer, variant, row, col) float32; layer = K in
    1..depth, the layer before which a stage would use the score. See `record_scores`. Where memory
    runs out, batches are halved, and the attribute `out_of_memory` has the sizes that did not fit.
    """
    examples = shard.of(load_examples(task, limit))
    model, processor = checkpoint.load()
    layers, grid = len(family_of(model).decoder(model).layers), (0, 0)
    order, scores = [], [np.empty((0, layers, len(EXTRACTED), 0), np.float32)]

    def run(batch: "Dataset", methods: Sequence[Method]) -> Iterator[tuple[Method, Any]]:
        inputs = prompts.prompts(batch, task, processor).to(model.device, model.dtype)
        here = _one_grid(family_of(model).layout(model, inputs), grid, checkpoint.name)
        found = record_scores(model, inputs, variants=EXTRACTED.values()).cpu().numpy()
        yield methods[0], (here, found, batch["id"][:])

    portions = Portions(run, batch_size)
    for batch in prompts.batches(examples, task, processor, batch_size):
        for _, (here, found, ids) in portions.of(batch, [UNPRUNED]):
            grid = here
            scores.append(found)
            order += ids
    place = {example: row for row, example in enumerate(order)}
    rows = [place[example] for example in examples["id"]]
    found = np.concatenate(scores[1:] or scores)[rows].reshape(
        len(rows), layers, len(EXTRACTED), *grid
    )
    labelled = _label(found, examples, checkpoint, task)
    labelled.attrs |= {"out_of_memory": portions.failed} if portions.failed else {}
    labelled.to_zarr(out, mode="w", zarr_format=2)


def _one_grid(layout: Layout, before: Grid, model: str) -> Grid:
    """The grid that all images have; before: of the batches before, or (0, 0)."""
    found = {*layout.grids} | ({(before,)} if any(before) else set())
    if len(found) > 1 or len(min(found)) > 1:
        raise InputError(
            f"models.{model}: positions are compared on one grid of visual tokens, but images have "
            f"{sorted(found)}; set models.{model}.resize, or take a model with one view an image"
        )
    return min(found)[0]


def _label(scores: np.ndarray, examples: "Dataset", checkpoint: Checkpoint, task: Task) -> Any:
    import xarray as xr

    coords = {
        "example": examples["id"][:],
        "image": ("example", examples["image_id"][:]),
        "kind": ("example", examples["kind"][:]),
        "layer": np.arange(1, scores.shape[1] + 1),
        "variant": list(EXTRACTED),
    }
    attrs = checkpoint.manifest() | {"task": task.name, "engine": engine_digest()}
    dims = ("example", "layer", "variant", "row", "col")
    return xr.Dataset({"score": (dims, scores)}, coords, attrs)
