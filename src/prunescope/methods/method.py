"""A method: stages in the order of their layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from prunescope.criteria import Criterion
from prunescope.errors import InputError
from prunescope.methods import budget
from prunescope.methods.stages import Stage


@dataclass(frozen=True)
class Method:
    """Stages in the order of their layers; without stages, the model as it is.

    name: what records, figures and messages call it.
    """

    stages: Sequence[Stage] = ()
    name: str = "unnamed"

    def __post_init__(self) -> None:
        if isinstance(self.stages, str) or not isinstance(self.stages, Sequence):
            raise InputError(f"method {self.name!r}: stages: expected a list, got {self.stages!r}")
        object.__setattr__(self, "stages", tuple(self.stages))
        for stage in self.stages:
            if not isinstance(stage, Stage):
                raise InputError(f"method {self.name!r}: stages: expected Stage, got {stage!r}")
        for before, after in pairwise(self.stages):
            if type(before.layer) is type(after.layer) and before.layer >= after.layer:
                raise InputError(
                    f"method {self.name!r}: layers of stages must increase, "
                    f"got {before.layer} then {after.layer}"
                )

    def to_dict(self) -> dict[str, Any]:
        """Plain data with every field: equal methods give equal data."""
        return {"name": self.name, "stages": [stage.to_dict() for stage in self.stages]}

    def criteria(self) -> list[Criterion]:
        """The criteria of all stages."""
        return [criterion for stage in self.stages for criterion in stage.criteria()]

    def layers(self, depth: int) -> list[int]:
        """Index of each stage's decoder layer in a model of `depth` layers."""
        return [stage.at(depth) for stage in self.stages]

    def mean_tokens(self, counts: Sequence[int], total: int, depth: int) -> float:
        """T: see `budget.mean_tokens`. counts: tokens left after each stage; total: N."""
        return budget.mean_tokens(self.layers(depth), counts, total, depth)

    def mean_share(self, counts: Sequence[int], total: int, depth: int) -> float:
        """T/N: see `budget.mean_share`. counts: tokens left after each stage; total: N."""
        return budget.mean_share(self.layers(depth), counts, total, depth)


def check(method: Method, depth: int, grid: tuple[int, int] | None = None) -> None:
    """Raise InputError if the method does not fit a model of `depth` decoder layers and, if given,
    images of (rows, columns) tokens. Needs no forward pass."""
    layers = method.layers(depth)
    for stage, layer in zip(method.stages, layers, strict=True):
        where = f"method {method.name!r}, stage at layer {stage.layer}"
        if layer >= depth:
            raise InputError(f"{where}: layer must lie in 0..{depth - 1}")
        if layer == 0 and "previous" in stage.needs():
            raise InputError(
                f"{where}: {stage.score.name} reads the layer before the stage; "
                f"layer must lie in 1..{depth - 1}"
            )
        if {"previous", "own"} <= stage.needs():
            raise InputError(f"{where}: score and always must read the same layer")
    if any(before >= after for before, after in pairwise(layers)):
        raise InputError(
            f"method {method.name!r}: stages fall on layers {layers} of {depth}; they must increase"
        )
    if grid is not None:
        check_grid(method, grid)


def check_grid(method: Method, grid: tuple[int, int]) -> None:
    """Raise InputError if a criterion does not fit an image of (rows, columns) tokens."""
    for stage in method.stages:
        for criterion in stage.criteria():
            try:
                criterion.check(grid)
            except InputError as error:
                raise InputError(
                    f"method {method.name!r}, stage at layer {stage.layer}: {error}"
                ) from None
