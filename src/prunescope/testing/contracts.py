"""The contract of criteria, as checks for authors of plug-ins:

    from prunescope.testing.contracts import check_criterion
    check_criterion(MyCriterion(strength=2))

Each check raises AssertionError with what is wrong.
"""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import BoolTensor, LongTensor

from prunescope.criteria import Criterion, Selection, parse, to_dict
from prunescope.criteria.base import NEEDS
from prunescope.models.layout import Grid
from prunescope.testing.prompts import only, random_selection, single, tensors


def check_criterion(
    criterion: Criterion, grids: Sequence[Grid] = ((5, 7), (3, 4)), seed: int = 0
) -> None:
    """Run all checks on random prompts, padded on the left and with visual tokens missing; their
    images are views of the shapes `grids`."""
    for grid in grids:
        criterion.check(grid)
    selection = random_selection(3, grids, seed)
    before = deepcopy(selection)
    check_scores(criterion, selection)
    check_selected(criterion, selection)
    check_deterministic(criterion, selection)
    check_batched_equals_single(criterion, selection)
    check_needs(criterion, selection)
    check_unchanged(selection, before)
    assert parse(to_dict(criterion), "contract") == criterion, "cannot be written to a config"


def check_scores(criterion: Criterion, selection: Selection) -> None:
    """Check that scores are finite float32 numbers, one per visual token."""
    scores = criterion.score(selection)
    assert scores.shape == selection.visual.shape, f"scores have shape {tuple(scores.shape)}"
    assert scores.dtype == torch.float32, f"scores are {scores.dtype}"
    assert scores[selection.present].isfinite().all(), "scores are not finite"


def check_selected(criterion: Criterion, selection: Selection) -> None:
    """Check that only tokens that are present are kept, and as many as asked for."""
    kept = _select(criterion, selection)
    assert kept.shape == selection.visual.shape and kept.dtype == torch.bool, "not a (b, n) mask"
    assert not (kept & ~selection.present).any(), "keeps tokens that are not present"
    if criterion.sized:
        assert torch.equal(kept.sum(1), _counts(selection)), "keeps another number of tokens"


def check_deterministic(criterion: Criterion, selection: Selection) -> None:
    """Check that two calls agree, whatever the state of the global generator."""
    torch.manual_seed(1)
    first = _select(criterion, selection)
    torch.manual_seed(2)
    assert torch.equal(first, _select(criterion, selection)), "two calls differ"


def check_batched_equals_single(criterion: Criterion, selection: Selection) -> None:
    """Check that an example's kept tokens depend neither on its batch nor on padding."""
    together = _select(criterion, selection)
    for row in range(len(together)):
        alone = single(selection, row)
        kept = alone.raster[0][_select(criterion, alone)[0]].tolist()
        expected = selection.raster[row][together[row]].tolist()
        assert kept == expected, f"example {row}: {kept} alone, {expected} in a batch"


def check_needs(criterion: Criterion, selection: Selection) -> None:
    """Check that the criterion reads no optional field but those of its `needs`."""
    unknown = criterion.needs - set(NEEDS)
    assert not unknown, f"needs {sorted(unknown)}, known: {list(NEEDS)}"
    try:
        _select(criterion, only(selection, criterion.needs))
    except (AttributeError, TypeError) as error:
        needs = sorted(criterion.needs)
        raise AssertionError(f"fails with what it says it needs, {needs}: {error}") from error


def check_unchanged(selection: Selection, before: Selection) -> None:
    """Check that a criterion has not changed its input, bit by bit."""
    torch.testing.assert_close(
        tensors(selection), tensors(before), rtol=0, atol=0, equal_nan=True,
        msg=lambda details: f"changes its input: {details}",
    )  # fmt: skip


def _counts(selection: Selection) -> LongTensor:
    return (selection.present.sum(1) + 1) // 2


def _select(criterion: Criterion, selection: Selection) -> BoolTensor:
    return criterion.select(selection, _counts(selection) if criterion.sized else None)
