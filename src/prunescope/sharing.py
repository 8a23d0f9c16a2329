"""What the methods of a study have in common is computed once per batch.

The vision tower, the projector, the embeddings, and the decoder layers before a method's first
stage do not depend on the method. The first run that comes by them is recorded; later runs of the
same batch take the record. Everything else is the stock model and the hooks of `prune`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from prunescope.engine.shadow import shadow
from prunescope.methods import Method
from prunescope.models import Family, family_of


@dataclass(frozen=True)
class _Images:
    """What became of the images."""

    output: Any  # of `get_image_features`
    features: list[Tensor]  # input of the projector, for the criteria


@dataclass(frozen=True)
class _LayerRun:
    """What a decoder layer did in the prefill."""

    output: Tensor  # (b, s, dim)
    projected: list[Tensor]  # queries and keys before rotary, for the criteria
    cached: tuple[Tensor, Tensor]  # keys and values in the KV cache


class Prefix:
    """The shared part of one batch: one object per batch, one `of(method)` around each run.

    Enter `of` inside of `prune`. Runs need a KV cache. Layers are recorded as far as the methods
    that came by went without a stage: take the method with the latest first stage first. layers:
    False shares what becomes of the images only.
    """

    def __init__(self, model: nn.Module, layers: bool = True):
        self.model, self.family, self.layers = model, family_of(model), layers
        self.decoder = self.family.decoder(model)
        self.images: _Images | None = None
        self.runs: dict[int, _LayerRun] = {}

    @contextmanager
    def of(self, method: Method) -> Iterator[None]:
        """Within the `with`, a prefill of the batch computes only what is not recorded yet."""
        depth = len(self.decoder.layers)
        shared = min(method.layers(depth), default=depth) if self.layers else 0
        with ExitStack() as cleanup:
            shadow(self.family.base(self.model), "get_image_features", self._encoded, cleanup)
            for index, layer in enumerate(self.decoder.layers[:shared]):
                stand_in = partial(_Layer, self.runs, index, layer, self.family)
                shadow(layer, "forward", stand_in, cleanup)
            yield

    def _encoded(self, encode: Callable) -> Callable:
        """What the vision tower and the projector make of the images, from the record."""
        projector = self.family.projector(self.model)

        def shared(*args: Any, **kwargs: Any) -> Any:
            if self.images is None:
                seen: list[Tensor] = []
                with ExitStack() as cleanup:
                    if projector is not None:
                        hook = lambda module, inputs: seen.append(inputs[0])  # noqa: E731
                        cleanup.callback(projector.register_forward_pre_hook(hook).remove)
                    self.images = _Images(encode(*args, **kwargs), seen)
            else:
                for each in self.images.features:
                    _announce(projector, None, each)
            return self.images.output

        return shared


class _Layer:
    """Stands in for the forward of a decoder layer that no stage of the method comes before."""

    def __init__(
        self,
        runs: dict[int, _LayerRun],
        index: int,
        layer: nn.Module,
        family: Family,
        stock: Callable,
    ):
        self.runs, self.index, self.stock = runs, index, stock
        self.projections = family.projections(layer)

    def __call__(self, hidden: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        cache = kwargs["past_key_values"]
        if not _prefills(cache, self.index):
            return self.stock(hidden, *args, **kwargs)
        if self.index not in self.runs:
            return self._record(hidden, *args, **kwargs)
        run = self.runs[self.index]
        for module, output in zip(self.projections, run.projected, strict=True):
            _announce(module, output)
        cache.update(*run.cached, self.index)
        return run.output

    def _record(self, hidden: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        projected: list[Tensor] = []
        hook = lambda module, inputs, output: projected.append(output)  # noqa: E731
        handles = [module.register_forward_hook(hook) for module in self.projections]
        try:
            output = self.stock(hidden, *args, **kwargs)
        finally:
            for handle in handles:
                handle.remove()
        layer = kwargs["past_key_values"].layers[self.index]
        self.runs[self.index] = _LayerRun(output, projected, (layer.keys, layer.values))
        return output


def _announce(module: nn.Module, output: Tensor | None, *inputs: Tensor) -> None:
    """Let the hooks of a module see inputs and an output that were computed before."""
    with ExitStack() as cleanup:
        shadow(module, "forward", lambda forward: lambda *args, **kwargs: output, cleanup)
        module(*inputs)


def _prefills(cache: Any, layer: int = 0) -> bool:
    return cache is None or cache.get_seq_length(layer) == 0
