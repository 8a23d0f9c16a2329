"""Attention scores of all layers from one pass without pruning.

The kept set of every single-stage attention method, at any layer and any fraction, follows from
them by `select_topk`, without running the model again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import torch
from torch import BoolTensor, Tensor, nn

from prunescope.criteria import Selection, highest
from prunescope.criteria.attention import VARIANTS, Attention
from prunescope.criteria.first import First
from prunescope.engine.hooks import Engine
from prunescope.engine.projections import ProjectionRecorder
from prunescope.engine.prompt import PromptReader
from prunescope.engine.segments import Segment, select_from
from prunescope.errors import InputError
from prunescope.methods import Method, Scan, Stage
from prunescope.models import Layout, family_of

HEAD_ARGUMENTS = ("labels", "logits_to_keep")  # which the model without its head does not take


@torch.inference_mode()
def record_scores(
    model: nn.Module,
    inputs: Mapping[str, Any],
    layout: Layout | None = None,
    scan: Scan = "raster",
    variants: Iterable[Attention] = tuple(VARIANTS.values()),
) -> Tensor:
    """Scores (batch, depth, variant, n_visual) float32 of the inputs' prompts.

    `[:, K - 1]` holds the scores of a stage before decoder layer K = 1..depth: from projections of
    layer K - 1, as `variants` say. The default variants are those of `VARIANTS`, in their order:
    last prompt token, softmax over the visual tokens, mean over heads. Scores are zero at the end
    where other examples of the batch have more visual tokens. Queries and keys are read as layers
    compute them: no attention map, O(N) memory.

    inputs: keyword arguments of the model's forward; no token is predicted.
    layout: where the visual tokens are, for inputs that do not say.
    scan: order in which the model reads the visual tokens, as in `Stage`; scores stay in raster
        order.

    Raises InputError as `prune` does.
    """
    family = family_of(model)
    base, layers = family.base(model), family.decoder(model).layers
    inputs = {name: value for name, value in inputs.items() if name not in HEAD_ARGUMENTS}
    with ExitStack() as cleanup:
        reader = PromptReader(base, family, layout, cleanup)
        keep_all = Method([Stage(0, First(1.0), scan=scan)], name=scan)
        engine = Engine(reader, family.decoder(model), keep_all, {}, cleanup)
        projections = [ProjectionRecorder(family, layer, None, cleanup) for layer in layers]
        recorder = _ScoreRecorder(reader, engine.trace.segments, projections, tuple(variants))
        for index, layer in enumerate(layers):
            cleanup.callback(layer.register_forward_hook(recorder.after_layer(index)).remove)
        base(**{**inputs, "use_cache": False})
    return torch.stack(recorder.scores, dim=1)


def select_topk(scores: Tensor, count: int) -> BoolTensor:
    """(..., n) scores -> (..., n) True at the `count` highest; ties go to the lower index, as in
    `prune`."""
    if not 0 <= count <= scores.shape[-1]:
        raise InputError(f"count must lie in 0..{scores.shape[-1]}, got {count}")
    counts = torch.full(scores.shape[:-1], count, device=scores.device)
    return highest(scores, torch.ones_like(scores, dtype=torch.bool), counts)


class _ScoreRecorder:
    """Scores every layer's input by all variants, while the model runs."""

    def __init__(
        self,
        reader: PromptReader,
        segments: list[Segment],
        projections: list[ProjectionRecorder],
        variants: Sequence[Attention],
    ):
        self.reader, self.segments = reader, segments
        self.projections, self.variants = projections, variants
        self.prompt: Selection | None = None
        self.scores: list[Tensor] = []  # (batch, variant, n) by layer

    def after_layer(self, index: int) -> Callable:
        def hook(layer: nn.Module, args: tuple, output: Tensor) -> None:
            if self.prompt is None:
                self.prompt = select_from(self.segments[-1], output, self.reader.layout)
            projected = self.projections[index].take()
            selection = replace(self.prompt, hidden=output, projected=projected)
            scores = [variant.score(selection) for variant in self.variants]
            absent = ~self.prompt.present[:, None]
            self.scores.append(torch.stack(scores, dim=1).masked_fill(absent, 0))

        return hook
