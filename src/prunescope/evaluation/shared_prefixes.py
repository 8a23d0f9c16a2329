"""What the methods of a study have in common is computed once per batch.

The methods are the branches of a tree: all share what becomes of the images, and, as far as their
stages are equal, the decoder layers, what the stages keep, and the KV cache. Every method runs as
`prune` and the stock model run it; what an earlier branch did is taken from its record.

What the branches answer is decoded together, by `prunescope.evaluation.joint_decoding`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, ClassVar

from torch import BoolTensor, LongTensor, Tensor, nn

from prunescope.criteria import Selection, SetCriterion
from prunescope.engine.caches import cache_of
from prunescope.engine.patched_method import shadow
from prunescope.methods import Method
from prunescope.models import family_of
from prunescope.pruning import Trace, prune

Place = tuple[int, tuple[str, ...]]  # in the tree: a decoder layer, the stages up to it


class Images:
    """What becomes of the images of one batch, computed once."""

    def __init__(self, model: nn.Module):
        family = family_of(model)
        self.base, self.projector = family.base(model), family.projector(model)
        self.tower = family.tower(model)
        self.output: Any = None  # of `get_image_features`
        # for the criteria: input of the projector, queries and keys of the tower
        self.features: list[Tensor] = []
        self.projected: dict[nn.Module, Tensor] = {}

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within the `with`, images are encoded if they were not before. Goes around `prune`."""
        with ExitStack() as cleanup:
            shadow(
                self.base, "get_image_features", lambda encode: partial(self._of, encode), cleanup
            )
            yield

    def _of(self, encode: Callable, *args: Any, **kwargs: Any) -> Any:
        if self.output is None:
            with ExitStack() as cleanup:
                self._watch(cleanup)
                self.output = encode(*args, **kwargs)
        else:
            for module, output in self.projected.items():
                _announce(module, output)
            for each in self.features:
                _announce(self.projector, None, each)
        return copy(self.output)

    def _watch(self, cleanup: ExitStack) -> None:
        if self.projector is not None:
            hook = lambda module, inputs: self.features.append(inputs[0])  # noqa: E731
            cleanup.callback(self.projector.register_forward_pre_hook(hook).remove)
        if self.tower is not None:
            hook = lambda module, inputs, output: self.projected.update({module: output})  # noqa: E731
            for module in (self.tower.q_proj, self.tower.k_proj):
                cleanup.callback(module.register_forward_hook(hook).remove)


@dataclass(frozen=True)
class _Run:
    """What a decoder layer did in the prefill."""

    output: Tensor  # (b, s, dim)
    raster: LongTensor  # (b, s) of the tokens that it saw
    projected: list[Tensor]  # queries and keys before rotary, if a criterion reads them
    cached: Any  # its layer of the KV cache: updates make new tensors, so branches share these


class Tree:
    """The methods of a study on one batch.

    `methods` has them in the order in which least has to be kept: depth first, latest stages
    first. Run each once, in any order, within `prune` of the tree; runs need a KV cache.
    """

    def __init__(self, model: nn.Module, methods: Sequence[Method]):
        self.model, self.images, self.family = model, Images(model), family_of(model)
        self.decoder = self.family.decoder(model)
        depth = len(self.decoder.layers)
        self.methods = sorted(methods, key=lambda each: _order(each, depth))
        self.places = {each.name: _places(each, depth) for each in methods}
        self.awaited = Counter(chain(*self.places.values()))  # methods that still come by
        self.runs: dict[Place, _Run] = {}
        self.tapped = {
            self.places[each.name][layer - 1]
            for each in methods
            for stage, layer in zip(each.stages, each.layers(depth), strict=True)
            if "previous" in stage.needs()
        }

    @contextmanager
    def prune(self, method: Method, **told: Any) -> Iterator[Trace]:
        """Like `prune(model, method, **told)`; computes only what no branch before it did.

        told: by example, the same for all methods.
        """
        with ExitStack() as cleanup:
            cleanup.enter_context(self.images.shared())
            trace = cleanup.enter_context(prune(self.model, self._recalled(method), **told))
            for place in self.places[method.name]:
                if self.awaited[place] > 1 or place in self.runs:
                    stand_in = partial(_Layer, self, place, trace)
                    shadow(self.decoder.layers[place[0]], "forward", stand_in, cleanup)
            yield trace

    def _recalled(self, method: Method) -> Method:
        """The method with what is known of its stages instead of their criteria."""
        places, depth = self.places[method.name], len(self.decoder.layers)
        stages = []
        for stage, layer in zip(method.stages, method.layers(depth), strict=True):
            if (run := self.runs.get(places[layer])) is not None:
                known = _Recalled(run.raster)
                stage = replace(stage, keep=None, criterion=known, always=None, of="left")
            stages.append(stage)
        return Method(method.name, tuple(stages))


class _Layer:
    """Stands in for the forward of a decoder layer where several methods come by."""

    def __init__(self, tree: Tree, place: Place, trace: Trace, stock: Callable):
        self.tree, self.place, self.trace, self.stock = tree, place, trace, stock
        self.projections = tree.family.projections(tree.decoder.layers[place[0]])

    def __call__(self, hidden: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        (index, _), cache, runs = self.place, cache_of(kwargs), self.tree.runs
        if cache.get_seq_length(index):
            return self.stock(hidden, *args, **kwargs)
        self.tree.awaited[self.place] -= 1
        if self.place not in runs:
            runs[self.place] = self._record(hidden, *args, **kwargs)
            return runs[self.place].output
        run = runs[self.place] if self.tree.awaited[self.place] else runs.pop(self.place)
        for module, output in zip(self.projections, run.projected, strict=False):
            _announce(module, output)
        cache.layers[index : index + 1] = [copy(run.cached)]
        return run.output

    def _record(self, hidden: Tensor, *args: Any, **kwargs: Any) -> _Run:
        projected: list[Tensor] = []
        with ExitStack() as cleanup:
            if self.place in self.tree.tapped:
                hook = lambda module, inputs, output: projected.append(output)  # noqa: E731
                for module in self.projections:
                    cleanup.callback(module.register_forward_hook(hook).remove)
            output = self.stock(hidden, *args, **kwargs)
        cached = copy(cache_of(kwargs).layers[self.place[0]])
        return _Run(output, self.trace.segments[-1].raster, projected, cached)


@dataclass(frozen=True, eq=False)
class _Recalled(SetCriterion):
    """Keep what the same stage of another branch kept."""

    name: ClassVar[str] = "recalled"

    raster: LongTensor  # (b, s) of the tokens left, -1 at text

    def members(self, selection: Selection) -> BoolTensor:
        return (selection.raster[..., None] == self.raster[:, None]).any(-1)


def _places(method: Method, depth: int) -> list[Place]:
    """Where each decoder layer of a method is in the tree."""
    stages = list(zip(method.layers(depth), _names(method, depth), strict=True))
    return [(layer, tuple(name for at, name in stages if at <= layer)) for layer in range(depth)]


def _order(method: Method, depth: int) -> list[tuple[int, str]]:
    stages = zip(method.layers(depth), _names(method, depth), strict=True)
    return [*((-layer, name) for layer, name in stages), (-depth, "")]


def _names(method: Method, depth: int) -> list[str]:
    """Equal for equal stages, however their layers are written."""
    stages = [replace(stage, layer=stage.at(depth)) for stage in method.stages]
    return [json.dumps(stage.to_dict(), sort_keys=True) for stage in stages]


def _announce(module: nn.Module, output: Tensor | None, *inputs: Tensor) -> None:
    """Let the hooks of a module see inputs and an output that were computed before."""
    with ExitStack() as cleanup:
        shadow(module, "forward", lambda forward: lambda *args, **kwargs: output, cleanup)
        module(*inputs)
