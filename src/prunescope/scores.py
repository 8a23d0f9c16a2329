"""The attention scores of all layers from one unpruned pass.

The kept set of every single-stage attention method, at any layer and any fraction, follows from
them with `select_topk`, without running the model again.
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
from prunescope.engine.projections import Taps
from prunescope.engine.prompt import Watch
from prunescope.engine.segments import Segment, select_from
from prunescope.errors import InputError
from prunescope.methods import Method, Scan, Stage
from prunescope.models import Layout, family_of

OF_THE_HEAD = ("labels", "logits_to_keep")  # arguments that the model without it does not take


@torch.inference_mode()
def record_scores(
    model: nn.Module,
    inputs: Mapping[str, Any],
    layout: Layout | None = None,
    scan: Scan = "raster",
    variants: Iterable[Attention] = tuple(VARIANTS.values()),
) -> Tensor:
    """Scores (batch, depth, variant, n_visual) float32 of the inputs' prompts, zero at the end
    where other examples of the batch have more visual tokens.

    [:, K - 1] is what a stage before decoder layer K = 1..depth scores by: projections of layer
    K-1 as `variants` say; by default last prompt token, softmax over the visual tokens, mean over
    heads, in the order of `VARIANTS`. Sees each layer's queries and keys as they go by: no
    attention map, O(N) memory.

    inputs: keyword arguments of the model's forward; no token is predicted. scan: the order in
    which the model reads the visual tokens, as of `Stage`; scores stay in raster order. Raises
    InputError as `prune` does.
    """
    family = family_of(model)
    base, layers = family.base(model), family.decoder(model).layers
    inputs = {name: value for name, value in inputs.items() if name not in OF_THE_HEAD}
    with ExitStack() as cleanup:
        watch = Watch(base, family, layout, cleanup)
        read = Method([Stage(0, First(1.0), scan=scan)], scan)  # keeps all
        segments = Engine(watch, family.decoder(model), read, {}, cleanup).trace.segments
        taps = [Taps(family, layer, None, cleanup) for layer in layers]
        recorder = _Recorder(watch, segments, taps, tuple(variants))
        for index, layer in enumerate(layers):
            cleanup.callback(layer.register_forward_hook(recorder.after_layer(index)).remove)
        base(**{**inputs, "use_cache": False})
    return torch.stack(recorder.scores, dim=1)


def select_topk(scores: Tensor, count: int) -> BoolTensor:
    """(..., n) scores -> (..., n) the `count` highest, ties to the lower index, as in `prune`."""
    if not 0 <= count <= scores.shape[-1]:
        raise InputError(f"count must lie in 0..{scores.shape[-1]}, got {count}")
    counts = torch.full(scores.shape[:-1], count, device=scores.device)
    return highest(scores, torch.ones_like(scores, dtype=torch.bool), counts)


class _Recorder:
    def __init__(
        self,
        watch: Watch,
        segments: list[Segment],
        taps: list[Taps],
        variants: Sequence[Attention],
    ):
        self.watch, self.segments, self.taps, self.variants = watch, segments, taps, variants
        self.prompt: Selection | None = None
        self.scores: list[Tensor] = []  # per layer (batch, variant, n)

    def after_layer(self, index: int) -> Callable:
        def hook(layer: nn.Module, args: tuple, output: Tensor) -> None:
            if self.prompt is None:
                self.prompt = select_from(self.segments[-1], output, self.watch.layout)
            selection = replace(self.prompt, hidden=output, projected=self.taps[index].take())
            scores = [criterion.score(selection) for criterion in self.variants]
            absent = ~self.prompt.present[:, None]
            self.scores.append(torch.stack(scores, dim=1).masked_fill(absent, 0))

        return hook
