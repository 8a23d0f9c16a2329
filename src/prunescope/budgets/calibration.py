"""Number of visual tokens that a method leaves, on the examples of a calibration split."""

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
    """Counts of the tokens that methods leave on a calibration split.

    grid: rows and columns of visual tokens. depth: decoder layers. counts: function from a method
    to the (examples, stages) tokens left after each stage, such as `Scores` or runs of the model.
    """

    grid: tuple[int, int]
    depth: int
    counts: Callable[[Method], np.ndarray]

    @property
    def tokens(self) -> int:
        """Visual tokens of an image."""
        return self.grid[0] * self.grid[1]

    def mean_tokens(self, method: Method) -> np.ndarray:
        """T of each example, (examples,); NaN where a stage leaves nothing."""
        counts = self.counts(method)
        mean = method.mean_tokens(counts.T, self.tokens, self.depth)
        return np.where((counts > 0).all(1), mean, np.nan)


class Scores:
    """Counts tokens from stored scores, without the model: the `counts` of a `Calibration`.

    scores: (example, layer, variant, row, col) of one unpruned pass. Counts are exact for methods
    whose first stage alone names a set. In a later stage the stored scores are those of a model
    that was not pruned before, so that unions overlap a little differently. The same holds for
    methods that score in the arithmetic of the model: the scores are stored in float32.
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
        """Raise InputError for a score that is not stored, if a set is chosen with it or after it.

        A set's count depends on which tokens were kept before it, so the score must be stored.
        """
        has_set = [not stage.score.sized or stage.always is not None for stage in method.stages]
        relevant = [stage for index, stage in enumerate(method.stages) if any(has_set[index:])]
        for criterion in (stage.score for stage in relevant):
            if criterion.sized and _variant(criterion) is None:
                raise InputError(
                    f"method {method.name!r}: scores of {criterion.name} as set are not stored, "
                    "and what its set leaves depends on them; give counts from runs of the model"
                )

    def _after(self, stage: Stage, layer: int, kept: np.ndarray) -> np.ndarray:
        """The tokens (examples, n) of `kept` that a stage keeps, for a stage before `layer`."""
        always = False if stage.always is None else members(stage.always, self.grid)
        if isinstance(stage.score, SetCriterion):
            return kept & (members(stage.score, self.grid) | always)
        remaining, total = kept.sum(1), kept.shape[1]
        counts = np.array([stage.count(int(number), total) for number in remaining])
        scores = self._scores(stage.score, layer)
        first = ranks(np.where(kept, scores, -np.inf)) < counts[:, None]
        return kept & (first | always)

    def _scores(self, criterion: Criterion, layer: int) -> np.ndarray:
        """Stored scores (examples, n) of a criterion. Zero if none are stored: then only the number
        of tokens matters, and any order will do."""
        variant = _variant(criterion)
        if variant is None:
            return np.zeros((self.scores.sizes["example"], self.grid[0] * self.grid[1]))
        chosen = self.scores.sel(layer=layer, variant=variant)
        return chosen.values.reshape(len(chosen), -1)


def _variant(criterion: Criterion) -> str | None:
    """Name of the stored variant that a criterion scores by, whatever its arithmetic; or None."""
    if isinstance(criterion, Attention):
        criterion = replace(criterion, arithmetic="float32")
    return VARIANT_OF.get(criterion)


def members(criterion: Criterion, grid: tuple[int, int]) -> np.ndarray:
    """Tokens (n,) of one image that a set names by their place in the image.

    InputError for a set that depends on more than the place.
    """
    if criterion.sized or criterion.needs:
        raise InputError(
            f"score: the tokens that {criterion.name} keeps depend on the example; "
            "give counts from runs of the model"
        )
    place = torch.tensor(list(np.ndindex(*grid)))[None]
    raster = torch.arange(place.shape[1])[None]
    everything = torch.ones_like(raster, dtype=torch.bool)
    selection = Selection(
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
    return criterion.select(selection, None)[0].numpy()
