"""A stage: where visual tokens are removed, how many, and by which criterion."""

from dataclasses import KW_ONLY, InitVar, dataclass
from typing import Any, Literal, get_args

from prunescope import criteria
from prunescope.criteria import Criterion
from prunescope.errors import InputError
from prunescope.top_k import kept_fraction, tokens_kept

Share = Literal["left", "all"]
Positions = Literal["original", "compact", "shuffled"]
Scan = Literal["raster", "reversed", "transposed"]
CHOICES = {"of": get_args(Share), "positions": get_args(Positions), "scan": get_args(Scan)}


@dataclass(frozen=True)
class Stage:
    """Remove visual tokens once, before decoder layer `layer` (0-based), during the prefill.

    layer: an index, or a fraction of the depth in (0, 1): `round(layer * depth)`.
    score: the criterion that ranks the tokens, or names the set that stays.
    remove: fraction R in [0, 1) to remove; `int(n * (1 - R) ** power)` of n tokens stay. Only an
        argument, as is `power`: a stage stores the result as `keep`.
    keep: instead of `remove`, the fraction in (0, 1] that stays, `int(n * keep)`, or how many
        tokens stay. A criterion that names a set takes neither.
    of: which n: the tokens that are "left", as in the papers' code, or "all" that the prompt began
        with (at most those that are left stay).
    always: the tokens of this set stay too (union), so that more than `keep` may stay.
    positions: "original" position ids; "compact": numbered anew, without gaps; "shuffled": the
        visual tokens that stay exchange their ids at random (a control).
    scan: before layer 0, the order in which the model then reads the visual tokens of each view:
        row by row from the top left ("raster"), from its end ("reversed"), or column by column
        ("transposed"), before the stage chooses. Tokens take the position ids of their new turn;
        ids that are places in the image (as in M-RoPE) stay with their tokens.
    """

    layer: int | float
    score: Criterion
    _: KW_ONLY
    remove: InitVar[float | None] = None
    power: InitVar[int] = 1
    keep: float | int | None = None
    of: Share = "left"
    always: Criterion | None = None
    positions: Positions = "original"
    scan: Scan = "raster"

    def __post_init__(self, remove: float | None, power: int) -> None:
        object.__setattr__(self, "keep", _resolved(remove, power, self.keep))
        self._check_layer()
        self._check_criteria()
        self._check_keep()
        for key, allowed in CHOICES.items():
            if getattr(self, key) not in allowed:
                raise InputError(f"{key}: {getattr(self, key)!r} is not one of {list(allowed)}")
        if self.of == "all" and not isinstance(self.keep, float):
            raise InputError("of: only goes with a fraction to `remove` or `keep`")
        if self.scan != "raster" and self.layer != 0:
            raise InputError(f"scan: {self.scan!r} only goes with layer 0, got {self.layer}")

    def _check_layer(self) -> None:
        _check_number(self.layer, "layer")
        if isinstance(self.layer, float) and not 0 < self.layer < 1:
            raise InputError(f"layer: a fraction of the depth lies in (0, 1), got {self.layer}")
        if self.layer < 0:
            raise InputError(f"layer: must be at least 0, got {self.layer}")

    def _check_criteria(self) -> None:
        for key, criterion in (("score", self.score), ("always", self.always)):
            if not isinstance(criterion, Criterion) and (key == "score" or criterion is not None):
                raise InputError(
                    f"{key}: expected a criterion, such as "
                    f"`prunescope.criteria.attention.Attention()`, got {criterion!r}"
                )
        if self.always is not None and self.always.sized:
            raise InputError(f"always: {self.always.name} has no count of its own")

    def _check_keep(self) -> None:
        if self.score.sized == (self.keep is None):
            rule = "needs" if self.score.sized else "has a count of its own and takes no"
            raise InputError(f"score: {self.score.name} {rule} `remove` or `keep`")
        if isinstance(self.keep, float) and not 0 < self.keep <= 1:
            raise InputError(f"keep: a fraction lies in (0, 1], got {self.keep}")
        if isinstance(self.keep, int) and self.keep < 1:
            raise InputError(f"keep: a count is at least 1, got {self.keep}")

    def criteria(self) -> list[Criterion]:
        """The criteria `score` and, if there is one, `always`."""
        return [self.score] if self.always is None else [self.score, self.always]

    def needs(self) -> frozenset[str]:
        """Names of `prunescope.criteria.base.NEEDS` that the criteria must be given."""
        return frozenset().union(*(criterion.needs for criterion in self.criteria()))

    def at(self, depth: int) -> int:
        """Index of the stage's decoder layer in a model of `depth` layers."""
        return round(self.layer * depth) if isinstance(self.layer, float) else self.layer

    def count(self, left: int, total: int | None = None) -> int | None:
        """How many of the tokens that are `left` stay by score; None if the criterion decides.

        total: visual tokens of the prompt, for `of="all"`.
        """
        if self.keep is None:
            return None
        return min(tokens_kept(total if self.of == "all" else left, self.keep), left)

    def to_dict(self) -> dict[str, Any]:
        """Plain data with every field: equal stages give equal data."""
        return {
            "layer": self.layer,
            "keep": self.keep,
            "score": criteria.to_dict(self.score),
            "always": None if self.always is None else criteria.to_dict(self.always),
            "positions": self.positions,
            "of": self.of,
            "scan": self.scan,
        }


# `remove` and `power` are only arguments: `stage.remove` would read None, the default, and
# `dataclasses.replace` would pass it on.
for _argument in ("remove", "power"):
    delattr(Stage, _argument)
    del Stage.__dataclass_fields__[_argument]


def _resolved(remove: float | None, power: int, keep: float | int | None) -> float | int | None:
    """The fraction or count that stays, from either of the two ways to write it."""
    if remove is None:
        if power != 1:
            raise InputError("power: only goes with `remove`")
        if keep is not None:
            _check_number(keep, "keep")
        return keep
    if keep is not None:
        raise InputError("remove: give `remove` or `keep`, not both")
    _check_number(remove, "remove")
    if type(power) is not int or power < 1:
        raise InputError(f"power: must be a whole number from 1, got {power!r}")
    return kept_fraction(remove, power)


def _check_number(value: Any, key: str) -> None:
    """Raise InputError for anything but int and float: True, a string, or a number of NumPy or
    torch would otherwise pass for a fraction or a count."""
    if type(value) not in (int, float):
        raise InputError(f"{key}: expected a number, got {value!r}")
