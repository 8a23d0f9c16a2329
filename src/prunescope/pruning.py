"""Prunes a stock model: adds the hooks that drop tokens, and removes them afterwards."""

from collections.abc import Container, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from torch import LongTensor, Tensor, nn

from prunescope.engine import masks
from prunescope.engine.hooks import Engine
from prunescope.engine.prompt import PromptReader
from prunescope.engine.trace import Trace
from prunescope.errors import InputError
from prunescope.methods import Method, check, named_method
from prunescope.models import Family, Layout, family_of

__all__ = ["Layout", "Trace", "check_fits", "prune"]
SIDE_INFORMATION = ("boxes", "kept")  # arguments of `prune` that some criteria need


class prune(AbstractContextManager[Trace]):
    """Within the `with`, every prefill of the model drops visual tokens as the method says.

        with prune(model, "feather") as trace:
            output = model.generate(**inputs)

    Works for `generate` and plain calls, with eager, sdpa and flash attention, for any batch that
    is padded on the left, and with dynamic KV caches. A forward pass without a cache, or with an
    empty one, is a prefill; every other pass continues the latest prefill, with its cache. Layers
    from a stage on compute and cache only the tokens that are left. Examples with fewer of them are
    padded on the left: read outputs from the right. A prompt may have several images; a stage
    counts all visual tokens of an example. The `with` removes the hooks at its end, also after
    an exception.

    Does not work for assisted decoding, whose first pass has guesses after the prompt, nor for
    layers on several devices.

    method: a `Method`, or the name of one of the library (`named_methods`).
    layout: where the visual tokens are, for inputs that do not say (`inputs_embeds`, a bare
        decoder).
    boxes: (batch, 4) true boxes x1 y1 x2 y2 in [0, 1], for criteria that need them.
    kept: raster indices by example, for the criterion that replays them.

    Entering gives the `Trace` of the latest prefill. Raises InputError for a model, method or input
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
        if not isinstance(self.method, Method):
            raise InputError(f"method: expected a Method or a name of the library, got {method!r}")
        values = zip(SIDE_INFORMATION, (boxes, kept), strict=True)
        self.side_information = {name: value for name, value in values if value is not None}
        self._cleanup: ExitStack | None = None

    def __enter__(self) -> Trace:
        if self._cleanup is not None:
            raise InputError("a `prune` serves one `with`; make another")
        check_fits(self.method, self.model, self.side_information)
        family = family_of(self.model)
        decoder = family.decoder(self.model)
        with ExitStack() as cleanup:
            reader = PromptReader(self.model, family, self.layout, cleanup)
            engine = Engine(reader, decoder, self.method, self.side_information, cleanup)
            self._cleanup = cleanup.pop_all()
        return engine.trace

    def __exit__(self, *exception: Any) -> None:
        self._cleanup.close()


def check_fits(
    method: Method, model: nn.Module, side_information: Container[str] = SIDE_INFORMATION
) -> None:
    """Raise InputError for a method that the model cannot run, as far as is known without an input.

    The model's weights may be on the meta device. side_information: names of `SIDE_INFORMATION`
    that `prune` will be given.
    """
    family = family_of(model)
    decoder = family.decoder(model)
    check(method, len(decoder.layers), family.grid(model))
    masks.check_backend(decoder.config._attn_implementation)
    masks.check_windows(decoder.config._attn_implementation, decoder.layers)
    if getattr(decoder.config, "positions_are_places", False):
        _check_positions(method, decoder)
    missing = _missing(family, model, side_information)
    for criterion in method.criteria():
        for need in sorted(criterion.needs & missing.keys()):
            raise InputError(f"method {method.name!r}: {criterion.name} needs {missing[need]}")


def _missing(family: Family, model: nn.Module, side_information: Container[str]) -> dict[str, str]:
    """The needs of criteria that cannot be met, each with words for a message."""
    kind = type(model).__name__
    words = {
        "boxes": "the true boxes: prune(..., boxes=...)",
        "kept": "the tokens to replay: prune(..., kept=...)",
        "features": f"features of images; {kind} has none",
        "received": f"the attention of a vision tower like CLIP or SigLIP; {kind} has none",
        "axes": f"positions of several axes; those of {kind} have one",
    }
    met = {
        "boxes": "boxes" in side_information,
        "kept": "kept" in side_information,
        "features": family.projector(model) is not None,
        "received": family.tower(model) is not None,
        "axes": len(family.axes) > 1,
    }
    return {need: text for need, text in words.items() if not met[need]}


def _check_positions(method: Method, decoder: nn.Module) -> None:
    """Raise InputError if the method renumbers position ids that are places in the image."""
    if any(stage.positions == "compact" for stage in method.stages):
        raise InputError(
            f"method {method.name!r}: positions: 'compact' does not go with a text model of type "
            f"{decoder.config.model_type!r}, whose position ids are places in the image"
        )
