"""The scores of every layer of a task's examples, on disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prunescope import tasks
from prunescope.attention import VARIANTS, record_scores
from prunescope.checkpoint import Checkpoint
from prunescope.criteria.attention import Attention
from prunescope.errors import InputError
from prunescope.models import family_of
from prunescope.provenance import engine_digest
from prunescope.shards import WHOLE, Shard
from prunescope.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

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
    1..depth, the layer before which a stage would use the score. See `record_scores`.
    """
    examples = shard.of(tasks.load(task, limit))
    model, processor = checkpoint.load()
    family = family_of(model)
    if (grid := family.grid(model)) is None:
        raise InputError(f"model {checkpoint.name!r}: its grid of visual tokens is not known")
    layers = len(family.decoder(model).layers)
    order, scores = [], [np.empty((0, layers, len(EXTRACTED), *grid), np.float32)]  # of no example
    for batch in tasks.batches(examples, task, processor, batch_size):
        inputs = tasks.prompts(batch, task, processor).to(model.device, model.dtype)
        scores.append(
            record_scores(model, inputs, variants=EXTRACTED.values())
            .unflatten(-1, grid)
            .cpu()
            .numpy()
        )
        order += batch["id"]
    place = {example: row for row, example in enumerate(order)}
    rows = [place[example] for example in examples["id"]]
    _label(np.concatenate(scores)[rows], examples, checkpoint, task).to_zarr(
        out, mode="w", zarr_format=2
    )


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
