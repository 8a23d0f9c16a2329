"""Computes once per batch what the methods of a study have in common.

The methods are the branches of a tree. All share the encoded images. As far as their stages are
equal, they share the decoder layers, the tokens that the stages keep, and the KV cache. Each method
runs as `prune` and the stock model run it; results of an earlier branch are taken from its record.

The branches' answers may then be decoded together, by `prunescope.evaluation.joint_decoding`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, ClassVar

from torch import BoolTensor, LongTensor, Tensor, nn

from prunescope.checkpoints.loaded import Loaded
from prunescope.criteria import Selection, SetCriterion
from prunescope.engine.caches import cache_of
from prunescope.engine.patched_method import patch_method
from prunescope.methods import Method, Stage
from prunescope.pruning import Trace, prune

# Where a decoder layer of a method is in the tree: its index, and the stages at or before it.
Node = tuple[int, tuple[str, ...]]


class Images:
    """The images of one batch, encoded once."""

    def __init__(self, loaded: Loaded):
        self.base = loaded.family.base(loaded.model)
        self.projector = loaded.family.projector(loaded.model)
        self.tower = loaded.family.tower(loaded.model)
        self.output: Any = None  # what `get_image_features` returns
        # Tensors that criteria read by hooks: inputs of the projector; queries and keys of the
        # tower.
        self.features: list[Tensor] = []
        self.projected: dict[nn.Module, Tensor] = {}

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Encode images once within the `with`. Enter before `prune`."""
        with ExitStack() as cleanup:
            patch_method(self.base, "get_image_features", self._stand_in, cleanup)
            yield

    def _stand_in(self, encode: Callable) -> Callable:
        return partial(self._encoded, encode)

    def _encoded(self, encode: Callable, *args: Any, **kwargs: Any) -> Any:
        """Output of `get_image_features`; hooks of the projector and the tower see their tensors
        each time."""
        if self.output is None:
            with ExitStack() as cleanup:
                self._watch(cleanup)
                self.output = encode(*args, **kwargs)
        else:
            for module, output in self.projected.items():
                _replay(module, output)
            for features in self.features:
                _replay(self.projector, None, features)
        return copy(self.output)

    def _watch(self, cleanup: ExitStack) -> None:
        if self.projector is not None:
            handle = self.projector.register_forward_pre_hook(self._see_features)
            cleanup.callback(handle.remove)
        if self.tower is not None:
            for module in (self.tower.q_proj, self.tower.k_proj):
                cleanup.callback(module.register_forward_hook(self._see_projected).remove)

    def _see_features(self, module: nn.Module, args: tuple) -> None:
        self.features.append(args[0])

    def _see_projected(self, module: nn.Module, args: tuple, output: Tensor) -> None:
        self.projected[module] = output


@dataclass(frozen=True)
class _Run:
    """Record of one decoder layer in a prefill."""

    output: Tensor  # (b, s, dim)
    raster: LongTensor  # (b, s) raster index of each token that the layer saw, -1 at text
    projected: list[Tensor]  # queries and keys before rotary, if a criterion reads them
    cached: Any  # the layer's part of the KV cache; updates make new tensors, so branches share it


class Tree:
    """The methods of a study on one batch.

    `methods` has them depth first, latest stages first: in this order the fewest records are alive
    at a time. Run each method once, in any order, within `prune` of the tree, with a KV cache.
    """

    def __init__(self, loaded: Loaded, methods: Sequence[Method]):
        self.loaded, self.images = loaded, Images(loaded)
        depth = loaded.depth
        self.methods = sorted(methods, key=lambda method: _order(method, depth))
        self.nodes = {method.name: _nodes(method, depth) for method in methods}
        self.awaited = Counter(chain(*self.nodes.values()))  # methods that are still to pass a node
        self.runs: dict[Node, _Run] = {}
        # Nodes whose queries and keys a criterion reads: the layer before its stage.
        self.tapped = {
            self.nodes[method.name][layer - 1]
            for method in methods
            for stage, layer in zip(method.stages, method.layers(depth), strict=True)
            if "previous" in stage.needs()
        }

    @contextmanager
    def prune(self, method: Method, **arguments: Any) -> Iterator[Trace]:
        """`prune(model, method, **arguments)`, without computing what an earlier branch computed.

        arguments: side information of the examples, equal for all methods.
        """
        layers = self.loaded.decoder.layers
        with ExitStack() as cleanup:
            cleanup.enter_context(self.images.shared())
            recalling = self._recalling(method)
            trace = cleanup.enter_context(prune(self.loaded.model, recalling, **arguments))
            for node in self.nodes[method.name]:
                if self.awaited[node] > 1 or node in self.runs:
                    stand_in = partial(_Layer, self, node, trace)
                    patch_method(layers[node[0]], "forward", stand_in, cleanup)
            yield trace

    def _recalling(self, method: Method) -> Method:
        """The method, where stages that an earlier branch ran recall its tokens."""
        nodes, depth = self.nodes[method.name], self.loaded.depth
        stages = []
        for stage, layer in zip(method.stages, method.layers(depth), strict=True):
            if (run := self.runs.get(nodes[layer])) is not None:
                recalled = _Recalled(run.raster)
                stage = Stage(stage.layer, recalled, positions=stage.positions, scan=stage.scan)
            stages.append(stage)
        return Method(stages, method.name)


class _Layer:
    """Stands in for the forward of a decoder layer that several methods pass."""

    def __init__(self, tree: Tree, node: Node, trace: Trace, stock: Callable):
        self.tree, self.node, self.trace, self.stock = tree, node, trace, stock
        layer = tree.loaded.decoder.layers[node[0]]
        self.projections = tree.loaded.family.projections(layer)

    def __call__(self, hidden: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        (index, _), cache, runs = self.node, cache_of(kwargs), self.tree.runs
        if cache.get_seq_length(index):  # a decoding step, not the prefill
            return self.stock(hidden, *args, **kwargs)
        self.tree.awaited[self.node] -= 1
        if self.node not in runs:
            runs[self.node] = self._record(hidden, *args, **kwargs)
            return runs[self.node].output
        run = runs[self.node] if self.tree.awaited[self.node] else runs.pop(self.node)
        # `projected` is empty unless a criterion reads it.
        for module, output in zip(self.projections, run.projected, strict=False):
            _replay(module, output)
        cache.layers[index : index + 1] = [copy(run.cached)]
        return run.output

    def _record(self, hidden: Tensor, *args: Any, **kwargs: Any) -> _Run:
        """Run the layer and record it for other branches."""
        projected: list[Tensor] = []

        def see(module: nn.Module, args: tuple, output: Tensor) -> None:
            projected.append(output)

        with ExitStack() as cleanup:
            if self.node in self.tree.tapped:
                for module in self.projections:
                    cleanup.callback(module.register_forward_hook(see).remove)
            output = self.stock(hidden, *args, **kwargs)
        cached = copy(cache_of(kwargs).layers[self.node[0]])
        return _Run(output, self.trace.segments[-1].raster, projected, cached)


@dataclass(frozen=True, eq=False)
class _Recalled(SetCriterion):
    """Keeps the tokens that the same stage of another branch kept."""

    name: ClassVar[str] = "recalled"

    raster: LongTensor  # (b, s) of the tokens that are left, -1 at text

    def members(self, selection: Selection) -> BoolTensor:
        # (b, n, 1) present tokens against (b, 1, s) tokens left -> (b, n)
        return (selection.raster[..., None] == self.raster[:, None]).any(-1)


def _nodes(method: Method, depth: int) -> list[Node]:
    """The node of each decoder layer of a method."""
    stages = list(zip(method.layers(depth), _names(method, depth), strict=True))
    return [(layer, tuple(name for at, name in stages if at <= layer)) for layer in range(depth)]


def _order(method: Method, depth: int) -> list[tuple[int, str]]:
    """Sorting key: methods with equal first stages are neighbours, late stages come first."""
    stages = zip(method.layers(depth), _names(method, depth), strict=True)
    return [*((-layer, name) for layer, name in stages), (-depth, "")]


def _names(method: Method, depth: int) -> list[str]:
    """A text for each stage; equal for equal stages, however their layers are written."""
    stages = [stage.to_dict() | {"layer": stage.at(depth)} for stage in method.stages]
    return [json.dumps(stage, sort_keys=True) for stage in stages]


def _replay(module: nn.Module, output: Tensor | None, *inputs: Tensor) -> None:
    """Call the hooks of a module with inputs and an output that were computed before.

    Hooks run when a module is called, so it is called, with a forward that computes nothing.
    """

    def computed(forward: Callable) -> Callable:
        return lambda *args, **kwargs: output

    with ExitStack() as cleanup:
        patch_method(module, "forward", computed, cleanup)
        module(*inputs)
