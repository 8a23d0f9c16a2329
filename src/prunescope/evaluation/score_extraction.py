"""The scores of every layer of a task's examples, on disk."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.criteria.attention import VARIANTS, Attention
from prunescope.errors import InputError
from prunescope.evaluation.out_of_memory import Portions
from prunescope.models import Layout
from prunescope.models.layout import Grid
from prunescope.progress import Progress
from prunescope.provenance import engine_digest
from prunescope.scores import record_scores
from prunescope.tasks import prompts
from prunescope.tasks.card import Task
from prunescope.tasks.examples import load_examples
from prunescope.tasks.shards import WHOLE, Shard

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
    """Write the scores of every layer for a shard of the task's first examples.

    out: Zarr with one variable, `score` (example, layer, variant, row, col) in float32. layer is K
    in 1..depth, the layer before which a stage would use the score; variants are `EXTRACTED`: with
    RoPE, without, and RoPE alone. See `record_scores`. Where memory runs out, batches are halved,
    and the attribute `out_of_memory` lists the sizes that did not fit.
    """
    examples = shard.of(load_examples(task, limit))
    extraction = Extraction(checkpoint.load(), task, checkpoint.name)
    portions = Portions(extraction.run, batch_size)
    progress = Progress(len(examples), f"{task.name}: scores")
    for batch in prompts.batches(examples, task, extraction.loaded.processor, batch_size):
        for _, count in portions.of(batch, ["scores"]):
            progress.advance(count)
    scores = _label(extraction.of(examples["id"]), examples, checkpoint, task)
    scores.attrs |= {"out_of_memory": portions.failed} if portions.failed else {}
    scores.to_zarr(out, mode="w", zarr_format=2)


class Extraction:
    """Collects the scores of batches, in any order. name: how messages call the model."""

    def __init__(self, loaded: Loaded, task: Task, name: str):
        self.loaded, self.task, self.name = loaded, task, name
        self.grid: Grid | None = None  # rows and columns of every image's visual tokens
        self.scores: dict[str, np.ndarray] = {}  # example -> (layer, variant, token)

    def run(self, batch: "Dataset", items: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Add the scores of a batch; yield how many examples it has, for the one item of
        `Portions`."""
        model = self.loaded.model
        inputs = prompts.prompts(batch, self.task, self.loaded.processor)
        inputs = inputs.to(model.device, model.dtype)
        self._check_grid(self.loaded.family.layout(model, inputs))
        scores = record_scores(model, inputs, variants=EXTRACTED.values()).cpu().numpy()
        self.scores |= zip(batch["id"], scores, strict=True)
        for item in items:
            yield item, len(batch)

    def of(self, examples: Sequence[str]) -> np.ndarray:
        """(example, layer, variant, row, col) scores, in the order of the examples."""
        shape = (self.loaded.depth, len(EXTRACTED), *(self.grid or (0, 0)))
        scores = np.empty((len(examples), *shape), np.float32)
        for row, example in enumerate(examples):
            scores[row] = self.scores[example].reshape(shape)
        return scores

    def _check_grid(self, layout: Layout) -> None:
        """Raise InputError unless all images, of this batch and before, have one and the same
        grid."""
        grids = {*layout.grids} | ({(self.grid,)} if self.grid else set())
        if len(grids) > 1 or len(min(grids)) > 1:
            raise InputError(
                f"models.{self.name}: positions are compared on one grid of visual tokens, but "
                f"images have {sorted(grids)}; set models.{self.name}.resize, or take a model with "
                "one view an image"
            )
        self.grid = min(grids)[0]


def _label(scores: np.ndarray, examples: "Dataset", checkpoint: Checkpoint, task: Task) -> Any:
    """The scores as an xarray Dataset, with coordinates and attributes that describe them."""
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
