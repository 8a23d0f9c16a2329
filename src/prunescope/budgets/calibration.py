"""How many visual tokens a method leaves of the examples of a calibration split."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr

from prunescope.criteria import Criterion, Selection, SetCriterion
from prunescope.criteria.attention import VARIANTS, Attention
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.top_k import ranks

VARIANT_OF = {criterion: variant for variant, criterion in VARIANTS.items()}


@dataclass(frozen=True)
class Calibration:
    """What a method leaves of the examples of a calibration split.

    grid: rows and columns of visual tokens; depth: decoder layers; counts: method -> (examples,
    stages) tokens left after each stage, by `Scores` or by any run of the model.
    """

    grid: tuple[int, int]
    depth: int
    counts: Callable[[Method], np.ndarray]

    @property
    def tokens(self) -> int:
        """Visual tokens of an image."""
        return self.grid[0] * self.grid[1]

    def mean_tokens(self, method: Method) -> np.ndarray:
        """(examples,) T of each; NaN where a stage leaves nothing."""
        counts = self.counts(method)
        mean = method.mean_tokens(counts.T, self.tokens, self.depth)
        return np.where((counts > 0).all(1), mean, np.nan)


class Scores:
    """Tokens left after each stage, as stored scores say; the `counts` of a `Calibration`.

    scores: (example, layer, variant, row, col) of one unpruned pass. Exact for methods whose first
    stage alone names a set; in a later one the scores are those of a model that was not pruned
    before, so that unions overlap a little differently. So they do where a method scores in the
    arithmetic of the model: the stored scores of the same attention in float32 stand for its own.
    """

    def __init__(self, scores: xr.DataArray):
        self.scores = scores
        self.grid = scores.sizes["row"], scores.sizes["col"]

    def calibration(self) -> Calibration:
        return Calibration(self.grid, self.scores.sizes["layer"], self)

    def __call__(self, method: Method) -> np.ndarray:
        self._check(method)
        layers = method.layers(self.scores.sizes["layer"])
        kept = np.ones((self.scores.sizes["example"], self.grid[0] * self.grid[1]), bool)
        counts = np.zeros((len(kept), len(layers)), int)
        for index, (stage, layer) in enumerate(zip(method.stages, layers, strict=True)):
            kept = self._after(stage, layer, kept)
            counts[:, index] = kept.sum(1)
        return counts

    def _check(self, method: Method) -> None:
        """What a set leaves depends on which tokens a score left it, not only on how many."""
        named = [not stage.criterion.sized or stage.always is not None for stage in method.stages]
        before = [stage for index, stage in enumerate(method.stages) if any(named[index:])]
        for criterion in (stage.criterion for stage in before):
            if criterion.sized and _variant(criterion) is None:
                raise InputError(
                    f"method {method.name!r}: scores of {criterion.name} as set are not stored, "
                    "and what its set leaves depends on them; give counts from runs of the model"
                )

    def _after(self, stage: Stage, layer: int, kept: np.ndarray) -> np.ndarray:
        """(examples, n) what a stage keeps of the tokens `kept`."""
        always = False if stage.always is None else members(stage.always, self.grid)
        if isinstance(stage.criterion, SetCriterion):
            return kept & (members(stage.criterion, self.grid) | always)
        left, begun = kept.sum(1), kept.shape[1]
        counts = np.array([stage.count(int(each), begun) for each in left])
        scores = self._scores(stage.criterion, layer)
        first = ranks(np.where(kept, scores, -np.inf)) < counts[:, None]
        return kept & (first | always)

    def _scores(self, criterion: Criterion, layer: int) -> np.ndarray:
        """(examples, n); where only the number counts any order does, and it is raster order."""
        variant = _variant(criterion)
        if variant is None:
            return np.zeros((self.scores.sizes["example"], self.grid[0] * self.grid[1]))
        chosen = self.scores.sel(layer=layer, variant=variant)
        return chosen.values.reshape(len(chosen), -1)


def _variant(criterion: Criterion) -> str | None:
    """Which of the stored scores are those of a criterion, but for its arithmetic."""
    if isinstance(criterion, Attention):
        criterion = replace(criterion, arithmetic="float32")
    return VARIANT_OF.get(criterion)


def members(criterion: Criterion, grid: tuple[int, int]) -> np.ndarray:
    """(n,) the tokens of one image that a set names by their place in it.

    Raises InputError for a set that depends on more than the place.
    """
    if criterion.sized or criterion.needs:
        raise InputError(
            f"score: what {criterion.name} keeps depends on the example; "
            "give counts from runs of the model"
        )
    place = torch.tensor(list(np.ndindex(*grid)))[None]
    raster = torch.arange(place.shape[1])[None]
    everything = torch.ones_like(raster, dtype=torch.bool)
    seen = Selection(
        hidden=torch.zeros(1, place.shape[1], 1),
        valid=everything,
        positions=raster[None],
        visual=raster,
        present=everything,
        raster=raster,
        place=place,
        shape=torch.tensor(grid).expand_as(place),
        view=torch.zeros_like(raster),
    )
    return criterion.select(seen, None)[0].numpy()
