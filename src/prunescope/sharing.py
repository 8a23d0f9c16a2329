"""What the methods of a study have in common is computed once per batch.

The vision tower, the projector, the embeddings, and the decoder layers before a method's first
stage do not depend on the method. The first run that comes by them is recorded; later runs of the
same batch take the record. Everything else is the stock model and the hooks of `prune`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from prunescope.methods import Method
from prunescope.models import Family, family_of


@dataclass(frozen=True)
class _LayerRun:
    """What a decoder layer did in the prefill."""

    output: Tensor  # (b, s, dim)
    projected: list[Tensor]  # queries and keys before rotary, for the criteria
    cached: tuple[Tensor, Tensor]  # keys and values in the KV cache


class Prefix:
    """The shared part of one batch: one object per batch, one `of(method)` around each run.

    Enter `of` inside of `prune`, whose hooks then still see the original inputs. Runs need a KV
    cache. Layers are recorded as far as the methods that came by went without a stage: take the
    method with the latest first stage first. layers: False shares the embeddings only.
    """

    def __init__(self, model: nn.Module, layers: bool = True):
        self.model, self.family, self.layers = model, family_of(model), layers
        self.decoder = self.family.decoder(model)
        self.embeddings: Tensor | None = None
        self.runs: dict[int, _LayerRun] = {}

    @contextmanager
    def of(self, method: Method) -> Iterator[None]:
        """Within the `with`, a prefill of the batch computes only what is not recorded yet."""
        depth = len(self.decoder.layers)
        shared = min(method.layers(depth), default=depth) if self.layers else 0
        with ExitStack() as cleanup:
            for module, hook in ((self.model, self._swap), (self.decoder, self._keep)):
                handle = module.register_forward_pre_hook(hook, with_kwargs=True)
                cleanup.callback(handle.remove)
            for index, layer in enumerate(self.decoder.layers[:shared]):
                layer.forward = _Layer(self.runs, index, layer, self.family)
                cleanup.callback(delattr, layer, "forward")
            yield

    def _swap(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """The recorded embeddings in place of the prompt and its images."""
        if self.embeddings is None or not _prefills(kwargs.get("past_key_values")):
            return args, kwargs
        dropped = ("input_ids", "pixel_values")
        kept = {key: value for key, value in kwargs.items() if key not in dropped}
        return (), {**kept, "inputs_embeds": self.embeddings}

    def _keep(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        if self.embeddings is None:
            self.embeddings = kwargs["inputs_embeds"]


class _Layer:
    """Stands in for the forward of a decoder layer that no stage of the method comes before."""

    def __init__(self, runs: dict[int, _LayerRun], index: int, layer: nn.Module, family: Family):
        self.runs, self.index, self.layer = runs, index, layer
        self.stock = layer.forward
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


def _announce(module: nn.Module, output: Tensor) -> None:
    """Let the forward hooks of a module see an output that was computed before."""
    module.forward = lambda *args, **kwargs: output
    try:
        module()
    finally:
        del module.forward


def _prefills(cache: Any, layer: int = 0) -> bool:
    return cache is None or cache.get_seq_length(layer) == 0
