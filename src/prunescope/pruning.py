"""Carry out a method on a stock model: hooks go in, tokens are dropped, hooks come out."""

from collections.abc import Container, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from torch import LongTensor, Tensor, nn

from prunescope.engine import masks
from prunescope.engine.hooks import Engine
from prunescope.engine.prompt import Watch
from prunescope.engine.trace import Trace
from prunescope.errors import InputError
from prunescope.methods import Method, check, named_method
from prunescope.models import Layout, family_of

__all__ = ["Layout", "Trace", "check_fits", "prune"]


class prune(AbstractContextManager[Trace]):
    """Within the `with`, every prefill of the model drops visual tokens as the method says.

    For `generate` and plain calls; eager, sdpa and flash attention; any batch, padded on the
    left; dynamic KV caches. A forward pass without a cache, or with an empty one, is a prefill;
    others continue the latest one, with its cache. Layers from a stage on compute and cache the
    remaining tokens only, and examples with fewer of them are padded on the left: read outputs
    from the right. A prompt may have several images; a stage's budget is of all visual tokens of
    an example. The hooks are gone afterwards, also after an exception. Not for assisted decoding,
    whose first pass has guesses after the prompt, nor for layers on several devices.

    layout: where the visual tokens are, for inputs that do not tell (`inputs_embeds`, a bare
    decoder). boxes (batch, 4), the true boxes x1 y1 x2 y2 in [0, 1], and kept, raster indices by
    example: for criteria that need to be told. Raises InputError for a model, method or input
    that does not fit.
    """

    def __init__(
        self,
        model: nn.Module,
        method: Method | str,
        layout: Layout | None = None,
        *,
        boxes: Tensor | None = None,
        kept: Sequence[LongTensor] | None = None,
    ):
        self.model, self.layout = model, layout
        self.method = named_method(method) if isinstance(method, str) else method
        self.told = {name: x for name, x in (("boxes", boxes), ("kept", kept)) if x is not None}
        self._cleanup: ExitStack | None = None

    def __enter__(self) -> Trace:
        if self._cleanup is not None:
            raise InputError("a `prune` serves one `with`; make another")
        check_fits(self.method, self.model, self.told)
        family = family_of(self.model)
        decoder = family.decoder(self.model)
        with ExitStack() as cleanup:
            watch = Watch(self.model, family, self.layout, cleanup)
            trace = Engine(watch, decoder, self.method, self.told, cleanup).trace
            self._cleanup = cleanup.pop_all()
        return trace

    def __exit__(self, *exception: Any) -> None:
        self._cleanup.close()


def check_fits(method: Method, model: nn.Module, told: Container[str] = ("boxes", "kept")) -> None:
    """Raise InputError for a method that the model cannot run, as far as that can be told without
    an input; its weights may be on the meta device. told: of the things that `prune` takes besides
    the method, those that it will be given."""
    family = family_of(model)
    decoder = family.decoder(model)
    check(method, len(decoder.layers), family.grid(model))
    masks.check_backend(decoder.config._attn_implementation)
    masks.check_windows(decoder.config._attn_implementation, decoder.layers)
    if getattr(decoder.config, "positions_are_places", False):
        _check_positions(method, decoder)
    kind = type(model).__name__
    lacking = {
        "boxes": "boxes" not in told and "to be told the true boxes: prune(..., boxes=...)",
        "kept": "kept" not in told and "to be told what to replay: prune(..., kept=...)",
        "features": family.projector(model) is None and f"features of images; {kind} has none",
        "received": family.tower(model) is None
        and f"the attention of a vision tower like CLIP or SigLIP; {kind} has none",
        "axes": len(family.axes) == 1 and f"positions of several axes; those of {kind} have one",
    }
    for criterion in method.criteria():
        for need in sorted(criterion.needs):
            if what := lacking.get(need):
                raise InputError(f"method {method.name!r}: {criterion.name} needs {what}")


def _check_positions(method: Method, decoder: nn.Module) -> None:
    """Position ids that the decoder reads as places in the image cannot be numbered anew."""
    if any(stage.positions == "compact" for stage in method.stages):
        raise InputError(
            f"method {method.name!r}: positions: 'compact' does not go with a text model of type "
            f"{decoder.config.model_type!r}, whose position ids are places in the image"
        )
