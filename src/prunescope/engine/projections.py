"""Queries and keys of decoder layers, recorded as the layers compute them."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from torch import LongTensor, Tensor, nn

from prunescope.criteria import Projected
from prunescope.models import Family


class ProjectionRecorder:
    """Records the queries and keys of one decoder layer, and the arguments that it is called with.

    axes: (head_dim,) which axis of the position ids turns each dimension; None for one axis.
    """

    def __init__(
        self, family: Family, layer: nn.Module, axes: LongTensor | None, cleanup: ExitStack
    ):
        self._family, self._layer, self._axes = family, layer, axes
        self._outputs: dict[str, Any] = {}  # fields of `Projected`, of the latest call
        hook = self._layer.register_forward_pre_hook(self._see_layer, with_kwargs=True)
        cleanup.callback(hook.remove)
        for name, module in zip(("queries", "keys"), family.projections(self._layer), strict=True):
            cleanup.callback(module.register_forward_hook(self._record(name)).remove)

    def _see_layer(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        self.see_arguments(kwargs)

    def see_arguments(self, kwargs: Mapping[str, Any]) -> None:
        """Record rotary embeddings and mask from the keyword arguments of the layer's forward."""
        self._outputs |= {"rotary": kwargs["position_embeddings"], "mask": kwargs["attention_mask"]}

    def _record(self, name: str) -> Callable:
        def hook(module: nn.Module, args: tuple, output: Tensor) -> None:
            self._outputs[name] = self._family.split_heads(self._layer, output)

        return hook

    def take(self) -> Projected:
        """Return the record of the latest call, and forget it."""
        outputs, self._outputs = self._outputs, {}
        attention = self._layer.self_attn
        return Projected(
            **outputs,
            scale=attention.scaling,
            softcap=self._family.softcap(self._layer),
            causal=attention.is_causal,
            axes=self._axes,
        )
