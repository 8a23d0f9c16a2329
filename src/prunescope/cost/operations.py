"""Operations, tokens and memory of a method, computed from the tokens that it keeps.

No clock is involved: the numbers do not depend on the machine or its load.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.cost.flops import counted_flops, prefill_flops, tower_flops
from prunescope.cost.replays import side_information_of
from prunescope.cost.timed_decoding import prefill
from prunescope.evaluation.answerer import token_bytes
from prunescope.evaluation.evaluate import check_all
from prunescope.evaluation.out_of_memory import Portions
from prunescope.evaluation.shared_prefixes import Images
from prunescope.evaluation.side_information import possible
from prunescope.methods import Method
from prunescope.progress import Progress
from prunescope.pruning import Trace, prune
from prunescope.tasks import prompts
from prunescope.tasks.card import Task
from prunescope.tasks.examples import load_examples

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
GAP = 0.01  # largest relative difference of computed and counted operations without a warning


def operations(
    checkpoint: Checkpoint, task: Task, methods: Mapping[str, Method], examples: int = 8
) -> pd.DataFrame:
    """One row per method, from the prompts of the task's first examples.

    Columns: model, method; means over the prompts of visual_tokens (before the first stage),
    mean_tokens, kept_share (mean_tokens / visual_tokens), kv_bytes (when decoding starts) and
    prefill_flops; counted_flops, as torch counts them for one prompt; counted_gap, by which
    fraction they exceed prefill_flops of that prompt. A gap beyond `GAP` is logged.
    """
    questions = load_examples(task, examples)
    loaded = checkpoint.load()
    check_all(loaded.model, methods.values())
    methods = possible(methods, task, questions)
    counter = OperationCounter(loaded, task, methods)
    [batch] = prompts.batches(questions, task, loaded.processor, examples)
    rows, progress = defaultdict(list), Progress(2 * len(methods), "operations: methods")
    for name, prompt_rows in Portions(counter.computed, examples).of(batch, list(methods)):
        rows[name] += prompt_rows
        progress.advance()
    counted = {}
    # One prompt by itself: torch counts padding, too.
    for name, row in Portions(counter.counted, 1).of(batch.select([0]), list(methods)):
        counted[name] = row
        progress.advance()
    return pd.DataFrame(
        [
            {"model": checkpoint.name, "method": name}
            | pd.DataFrame(rows[name]).mean().to_dict()
            | counted[name]
            for name in methods
        ]
    )


class OperationCounter:
    """Runs the prefill of batches with each method."""

    def __init__(self, loaded: Loaded, task: Task, methods: Mapping[str, Method]):
        self.loaded, self.task, self.methods = loaded, task, methods

    @torch.inference_mode()
    def computed(
        self, batch: "Dataset", names: Sequence[str]
    ) -> Iterator[tuple[str, list[dict[str, float]]]]:
        """Yield each method with a row for every prompt of the batch."""
        inputs, images = self._inputs(batch), Images(self.loaded)
        side = side_information_of(self.loaded, inputs, batch, self.methods)
        for name in names:
            method = self.methods[name]
            arguments = side.of(method, batch)
            with images.shared(), prune(self.loaded.model, method, **arguments) as trace:
                prefill(self.loaded.model, inputs)
            yield name, prompt_costs(self.loaded, method, trace, images)

    @torch.no_grad()  # in inference mode the counter is much slower
    def counted(
        self, batch: "Dataset", names: Sequence[str]
    ) -> Iterator[tuple[str, dict[str, float]]]:
        """Yield each method with the operations that torch counts for a batch of one prompt."""
        inputs, images = self._inputs(batch), Images(self.loaded)
        side = side_information_of(self.loaded, inputs, batch, self.methods)
        with images.shared():
            prefill(self.loaded.model, inputs)  # encodes the images, which are not counted
        for name in names:
            method = self.methods[name]
            arguments = side.of(method, batch)
            total, trace = counted_flops(self.loaded, method, inputs, images, **arguments)
            [row] = prompt_costs(self.loaded, method, trace, images)
            gap = total / row["prefill_flops"] - 1
            if abs(gap) > GAP:
                log.warning("%s: operations that torch counts differ by %+.1f %%", name, 100 * gap)
            yield name, {"counted_flops": total, "counted_gap": gap}

    def _inputs(self, batch: "Dataset") -> dict[str, Any]:
        model = self.loaded.model
        inputs = prompts.prompts(batch, self.task, self.loaded.processor)
        return dict(inputs.to(model.device, model.dtype))


def prompt_costs(
    loaded: Loaded, method: Method, trace: Trace, images: Images
) -> list[dict[str, float]]:
    """Tokens, bytes and operations of each prompt of a prefill, from the tokens that were kept."""
    whole = trace.segments[0]
    visual = (whole.raster >= 0).sum(1).tolist()
    valid = whole.valid.sum(1).tolist()
    tower = tower_flops(images) // len(visual)
    rows = []
    for row, total in enumerate(visual):
        counts = [total, *(len(stage[row]) for stage in trace.kept)]
        cached = sum(lengths[row] for lengths in trace.kv_lengths)
        text = valid[row] - total
        rows.append(
            {
                "visual_tokens": total,
                "mean_tokens": method.mean_tokens(counts[1:], total, loaded.depth),
                "kept_share": method.mean_share(counts[1:], total, loaded.depth),
                "kv_bytes": token_bytes(loaded) * cached,
                "prefill_flops": prefill_flops(method, loaded.decoder.config, counts, text, tower),
            }
        )
    return rows
