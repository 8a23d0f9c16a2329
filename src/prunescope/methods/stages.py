"""Pruning methods as data: an ordered tuple of stages with a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

from prunescope import criteria
from prunescope.criteria import Criterion
from prunescope.errors import InputError

Positions = Literal["original", "compact", "shuffled"]
Share = Literal["left", "all"]
Scan = Literal["raster", "reversed", "transposed"]


@dataclass(frozen=True)
class Stage:
    """Remove visual tokens once, before decoder layer `layer` (0-based), during the prefill.

    layer: an index, or a fraction of the depth in (0, 1): `round(layer * depth)`.
    keep: fraction in (0, 1] of n tokens, `int(n * keep)`; or how many; None for a criterion that
        has a count of its own.
    of: which n: those that are "left", as in the papers' code, or "all" that the prompt began
        with (no more than are left are kept).
    always: tokens of this set are kept too (union), so that more than `keep` may stay.
    positions: "original" position ids; "compact": numbered anew, without gaps; "shuffled": the
        visual tokens left exchange theirs at random (a control).
    scan: before layer 0, the order in which the model then reads the visual tokens of each view:
        row by row from the top left ("raster"), from its end ("reversed"), or column by column
        ("transposed"), before the stage chooses. Tokens take the position ids of their new turn;
        ids that are places in the image (M-RoPE, say) stay theirs.
    """

    layer: int | float
    keep: float | int | None
    criterion: Criterion
    always: Criterion | None = None
    positions: Positions = "original"
    of: Share = "left"
    scan: Scan = "raster"

    def __post_init__(self) -> None:
        number(self.layer, "layer")
        if self.keep is not None:
            number(self.keep, "keep")
        if isinstance(self.layer, float) and not 0 < self.layer < 1:
            raise InputError(f"layer: a fraction of the depth lies in (0, 1), got {self.layer}")
        if self.layer < 0:
            raise InputError(f"layer: must be at least 0, got {self.layer}")
        if self.criterion.sized == (self.keep is None):
            rule = "needs" if self.criterion.sized else "has a count of its own and takes no"
            raise InputError(f"score: {self.criterion.name} {rule} `remove` or `keep`")
        if isinstance(self.keep, float) and not 0 < self.keep <= 1:
            raise InputError(f"keep: a fraction lies in (0, 1], got {self.keep}")
        if isinstance(self.keep, int) and self.keep < 1:
            raise InputError(f"keep: a count is at least 1, got {self.keep}")
        if self.always is not None and self.always.sized:
            raise InputError(f"always: {self.always.name} has no count of its own")
        if self.positions not in get_args(Positions):
            raise InputError(
                f"positions: {self.positions!r} is not one of {list(get_args(Positions))}"
            )
        if self.of not in get_args(Share):
            raise InputError(f"of: {self.of!r} is not one of {list(get_args(Share))}")
        if self.scan not in get_args(Scan):
            raise InputError(f"scan: {self.scan!r} is not one of {list(get_args(Scan))}")
        if self.scan != "raster" and self.layer != 0:
            raise InputError(f"scan: {self.scan!r} only goes with layer 0, got {self.layer}")
        if self.of == "all" and not isinstance(self.keep, float):
            raise InputError("of: only goes with a fraction to `remove` or `keep`")

    def needs(self) -> frozenset[str]:
        """What its criteria need to know, of `prunescope.criteria.base.NEEDS`."""
        return frozenset().union(*(each.needs for each in self.criteria()))

    def criteria(self) -> list[Criterion]:
        """The one that scores, and the one whose tokens are always kept, if there is any."""
        return [each for each in (self.criterion, self.always) if each is not None]

    def at(self, depth: int) -> int:
        """The decoder layer in a model of `depth` layers."""
        return round(self.layer * depth) if isinstance(self.layer, float) else self.layer

    def count(self, left: int, begun: int | None = None) -> int | None:
        """How many of the tokens that are `left` the score keeps; None if the criterion decides.

        begun: how many the prompt began with, for `of: all`.
        """
        if self.keep is None:
            return None
        if isinstance(self.keep, int):
            return min(self.keep, left)
        return min(int((begun if self.of == "all" else left) * self.keep), left)

    def to_dict(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "keep": self.keep,
            "score": criteria.to_dict(self.criterion),
            "always": None if self.always is None else criteria.to_dict(self.always),
            "positions": self.positions,
            "of": self.of,
            "scan": self.scan,
        }


def number(value: Any, name: str) -> Any:
    """`value` if it is an int or a float; InputError otherwise, also for True and numbers of other
    libraries, which would pass for fractions or counts unnoticed."""
    if type(value) not in (int, float):
        raise InputError(f"{name}: expected a number, got {value!r}")
    return value


@dataclass(frozen=True)
class Method:
    """A named tuple of stages in order of their layers; no stages: the model as it is."""

    name: str
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        for before, after in pairwise(self.stages):
            if type(before.layer) is type(after.layer) and before.layer >= after.layer:
                raise InputError(
                    f"method {self.name!r}: layers of stages must increase, "
                    f"got {before.layer} then {after.layer}"
                )

    def to_dict(self) -> dict[str, Any]:
        """Canonical plain data with every field: equal methods give equal data."""
        return {"name": self.name, "stages": [stage.to_dict() for stage in self.stages]}

    def criteria(self) -> list[Criterion]:
        """Those of all stages."""
        return [each for stage in self.stages for each in stage.criteria()]

    def layers(self, depth: int) -> list[int]:
        """The layer of each stage in a model of `depth` layers."""
        return [stage.at(depth) for stage in self.stages]

    def mean_tokens(self, counts: Sequence[int], full: int, depth: int) -> float:
        """Mean over the decoder layers of the visual tokens present.

        counts: tokens left after each stage; full: tokens before the first. Divided by `full`
        it is one minus the "FLOPs reduction" of FEATHER (arXiv 2412.13180).
        """
        bounds = [0, *self.layers(depth), depth]
        widths = [end - start for start, end in pairwise(bounds)]
        return sum(w * n for w, n in zip(widths, [full, *counts], strict=True)) / depth


def check(method: Method, depth: int, grid: tuple[int, int] | None = None) -> None:
    """Raise InputError if the method does not fit a model of `depth` layers and, if given, a
    grid of (rows, columns). Needs no forward pass."""
    layers = method.layers(depth)
    for stage, layer in zip(method.stages, layers, strict=True):
        where = f"method {method.name!r}, stage at layer {stage.layer}"
        if layer >= depth:
            raise InputError(f"{where}: layer must lie in 0..{depth - 1}")
        if layer == 0 and "previous" in stage.needs():
            raise InputError(
                f"{where}: {stage.criterion.name} reads the layer before the stage; "
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
