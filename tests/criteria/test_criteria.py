"""Criteria: contracts, counts, ties, errors."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from prunescope import criteria
from prunescope.criteria import Criterion, SetCriterion, highest
from prunescope.criteria.attention import Attention
from prunescope.criteria.centre import Centre
from prunescope.criteria.first import First
from prunescope.criteria.knn import Knn
from prunescope.criteria.last import Last
from prunescope.criteria.lattice import Lattice
from prunescope.criteria.none import Nothing
from prunescope.criteria.oracle import Oracle
from prunescope.criteria.random import Random
from prunescope.criteria.replay import Replay
from prunescope.criteria.spatial_knn import SpatialKnn
from prunescope.criteria.tower_attention import TowerAttention
from prunescope.criteria.uniform import Uniform
from prunescope.errors import InputError
from prunescope.methods import Stage
from prunescope.testing import contracts
from prunescope.testing.prompts import narrow, random_selection

SIZED = [
    *(
        Attention(rope, query, softmax, heads)
        for rope in (True, False)
        for query in ("last", "text-mean", "all-mean")
        for softmax in ("image", "row")
        for heads in ("mean", "max")
    ),
    Attention(projections="own"),
    Attention(without="temporal"),
    Centre(),
    Knn(),
    Knn(1, neighbours=2),
    Lattice(),
    Oracle(),
    Oracle(inverse=True),
    Random(3),
    SpatialKnn(),
    SpatialKnn(alpha=0.0, reach=4),
    TowerAttention(),
]
SPREAD = [TowerAttention(spread=0.3)]  # of two budgets, the smaller need not be in the larger
SETS = [
    First(0.25),
    Last(0.25),
    Nothing(),
    Replay("fastv"),
    Uniform(2),
    Uniform(2, start="corner"),
    Uniform(3, "corner", offset=1),
]
EXAMPLES = SIZED + SPREAD + SETS
SIDE = st.integers(1, 7)
GRIDS = st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=3)
FEW = settings(deadline=None, max_examples=40)


def everything(*grids, batch=1):
    """Examples of these views, from which no token is missing yet."""
    return random_selection(batch, grids, whole=True)


def raster_of(selection, kept, row=0):
    """Raster indices of the tokens kept of an example."""
    return selection.raster[row, kept[row]].tolist()


# -- the contract ------------------------------------------------------------------------------


@pytest.mark.parametrize("criterion", EXAMPLES, ids=str)
def test_contract(criterion):
    contracts.check_criterion(criterion)


def test_every_known_criterion_is_tried():
    assert {type(criterion) for criterion in EXAMPLES} == set(criteria.registry().values())


class Batchy(Random):
    def score(self, selection):
        return super().score(selection) * (1 if len(selection.raster) > 1 else -1)


class Unseeded(Random):
    def draw(self, selection):
        return torch.rand(selection.raster.shape)


class Vandal(Random):
    def score(self, selection):
        selection.hidden.zero_()
        return super().score(selection)


class Greedy(Random):
    def select(self, selection, counts):
        return torch.ones_like(selection.present)


class Miser(Random):
    def select(self, selection, counts):
        return super().select(selection, counts - 1)


class Blind(Random):
    def score(self, selection):
        return super().score(selection).log() * 0 + torch.nan


class Endless(Random):
    def score(self, selection):
        return super().score(selection).masked_fill(selection.raster == 0, torch.inf)


class Double(Random):
    def score(self, selection):
        return super().score(selection).double()


class Short(Random):
    def score(self, selection):
        return super().score(selection)[:, 1:]


class Secretive(Random):
    def score(self, selection):
        return super().score(selection) * selection.features.norm(dim=-1)


class Demanding(Random):
    needs = frozenset({"content", "logits"})


class Slots(Random):
    """Goes by the place in the batch's tensors instead of the token."""

    def score(self, selection):
        return (selection.visual % 5).float()


@dataclass(frozen=True)
class Secret(Random):
    """Its field does not survive a configuration."""

    name: ClassVar[str] = "random"
    strength: int = 2


BROKEN = {
    Batchy: "alone, .* in a batch",
    Unseeded: "two calls differ",
    Vandal: "changes its input",
    Greedy: "keeps tokens that are not present",
    Miser: "keeps another number of tokens",
    Blind: "scores are not finite",
    Endless: "scores are not finite",
    Double: "scores are torch.float64",
    Short: "scores have shape",
    Secretive: "fails with what it says it needs, \\['content'\\]",
    Demanding: "needs \\['logits'\\]",
    Slots: "alone, .* in a batch",
}


@pytest.mark.parametrize(("broken", "message"), BROKEN.items(), ids=lambda value: str(value))
def test_contract_finds_what_is_wrong(broken, message):
    contracts.check_criterion(Random())
    with pytest.raises(AssertionError, match=message):
        contracts.check_criterion(broken())


def test_contract_finds_fields_that_cannot_be_configured():
    with pytest.raises(InputError, match="unknown field 'strength'"):
        contracts.check_criterion(Secret())


# -- all criteria, any views, any budget -------------------------------------------------------


@FEW
@given(GRIDS, st.integers(0, 5), st.sampled_from(EXAMPLES))
def test_any_views(grids, seed, criterion):
    selection = random_selection(3, grids, seed)
    contracts.check_scores(criterion, selection)
    contracts.check_selected(criterion, selection)
    contracts.check_batched_equals_single(criterion, selection)


@FEW
@given(GRIDS, st.integers(0, 5), st.sampled_from(SIZED), st.data())
def test_a_larger_budget_keeps_a_superset(grids, seed, criterion, data):
    selection = random_selection(2, grids, seed)
    most = selection.present.sum(1)
    sizes = [data.draw(st.integers(0, int(n))) for n in most]
    fewer = criterion.select(selection, torch.tensor(sizes))
    more = criterion.select(selection, torch.minimum(torch.tensor(sizes) + 1, most))
    assert not (fewer & ~more).any()


KEEP = st.one_of(st.floats(0.01, 1), st.integers(1, 60))
STAGE = st.one_of(
    st.builds(lambda keep, score, always: Stage(1, score, keep=keep, always=always),
        KEEP, st.sampled_from(SIZED), st.sampled_from([None, *SETS])),
    st.builds(lambda score: Stage(1, score), st.sampled_from(SETS)),
)  # fmt: skip


@FEW
@given(GRIDS, st.lists(STAGE, min_size=1, max_size=4), st.integers(0, 5))
def test_any_stages_keep_sorted_subsets_of_the_right_size(grids, stages, seed):
    selection = random_selection(2, grids, seed)
    for stage in stages:
        present = selection.present.sum(1).tolist()
        counts = None if stage.keep is None else torch.tensor([stage.count(n) for n in present])
        kept = stage.score.select(selection, counts)
        if counts is not None:
            assert kept.sum(1).tolist() == counts.tolist()
        if stage.always is not None:
            always = stage.always.select(selection)
            kept = kept | always
            assert (kept.sum(1) >= always.sum(1)).all()
        before = [set(raster_of(selection, selection.present, row)) for row in range(2)]
        after = narrow(selection, kept)
        for row, allowed in enumerate(before):
            left = raster_of(after, after.present, row)
            assert len(left) == int(kept[row].sum())
            assert all(a < b for a, b in pairwise(left))  # sorted, each once
            assert set(left) <= allowed
        selection = after


@FEW
@given(GRIDS, st.integers(0, 5), st.sampled_from([Centre(), Oracle(), Random(1), *SETS]))
def test_a_later_stage_sees_the_same_order(grids, seed, criterion):
    """Where a score depends on the token alone, two stages keep what the second alone would."""
    selection = random_selection(2, grids, seed)
    few = (selection.present.sum(1) + 2) // 3
    many = 2 * few.clamp(max=selection.present.sum(1) // 2)
    few = torch.minimum(few, many)
    later = narrow(selection, criterion.select(selection, many))
    twice, once = criterion.select(later, few), criterion.select(selection, few)
    for row in range(2):
        assert raster_of(later, twice, row) == raster_of(selection, once, row)


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=30), st.data())  # few values: many ties
def test_highest_breaks_ties_to_the_lower_index(values, data):
    count = data.draw(st.integers(0, len(values)))
    kept = highest(
        torch.tensor([values]).float(),
        torch.ones(1, len(values), dtype=torch.bool),
        torch.tensor([count]),
    )
    expected = sorted(range(len(values)), key=lambda i: (-values[i], i))[:count]
    assert kept[0].nonzero()[:, 0].tolist() == sorted(expected)


# -- each criterion ----------------------------------------------------------------------------


@given(GRIDS, st.integers(1, 8), st.integers(0, 7))
def test_uniform_from_the_corner_is_the_slice_of_each_view(grids, stride, offset):
    if offset >= stride:
        with pytest.raises(InputError):
            Uniform(stride, "corner", offset)
        return
    selection = everything(*grids)
    expected, first = [], 0
    for rows, columns in grids:
        view = torch.arange(first, first + rows * columns).reshape(rows, columns)
        expected += view[offset::stride, offset::stride].flatten().tolist()
        first += rows * columns
    assert raster_of(selection, Uniform(stride, "corner", offset).select(selection)) == expected


def kept_lines(grid, criterion):
    """Rows and columns of a view in which tokens are kept; every crossing of them is kept."""
    kept = criterion.select(everything(grid)).reshape(grid)
    rows, columns = kept.any(1), kept.any(0)
    assert torch.equal(kept, rows[:, None] & columns)
    return [side.nonzero()[:, 0].tolist() for side in (rows, columns)]


@FEW
@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.integers(1, 12))
def test_uniform_is_centred_on_any_grid(grid, stride):
    """A line of any length has as many kept places as from the corner, apart by the stride, and
    its own mirror image, as far as whole numbers let it."""
    for size, kept in zip(grid, kept_lines(grid, Uniform(stride)), strict=True):
        assert len(kept) == len(range(0, size, stride))
        gaps = [after - before for before, after in pairwise(kept)]
        assert sum(gap != stride for gap in gaps) <= 1 and set(gaps) <= {stride, stride + 1}
        mirrored = [size - 1 - place for place in reversed(kept)]
        no_middle = size % 2 == 0 and len(kept) % 2 == 1
        apart = [one - other for one, other in zip(kept, mirrored, strict=True) if one != other]
        assert apart == ([-1] if no_middle else [])
        mean = sum(place + 0.5 for place in kept) / len(kept) / size
        assert abs(mean - 0.5) <= 0.5 / len(kept) / size + 1e-12


@pytest.mark.parametrize(
    ("size", "stride", "centred", "corner"),
    [
        (12, 2, [0, 2, 4, 7, 9, 11], [0, 2, 4, 6, 8, 10]),
        (12, 3, [1, 4, 7, 10], [0, 3, 6, 9]),
        (12, 4, [1, 5, 10], [0, 4, 8]),
        (13, 3, [0, 3, 6, 9, 12], [0, 3, 6, 9, 12]),
        (27, 3, [*range(1, 27, 3)], [*range(0, 27, 3)]),
    ],
)
def test_lines_of_a_grid(size, stride, centred, corner):
    assert kept_lines((size, size), Uniform(stride)) == [centred, centred]
    assert kept_lines((size, size), Uniform(stride, "corner")) == [corner, corner]


def test_stride_two_on_the_grid_of_the_paper_is_that_of_feather():
    selection = everything((27, 27))
    kept = Uniform(2).select(selection)
    assert torch.equal(kept, Uniform(2, "corner").select(selection)) and kept.sum() == 196


@FEW
@given(GRIDS, st.integers(1, 5))
def test_every_view_has_a_centred_grid_of_its_own(grids, stride):
    selection = everything(*grids)
    kept = Uniform(stride).select(selection)[0].split([rows * cols for rows, cols in grids])
    alone = [Uniform(stride).select(everything(grid))[0] for grid in grids]
    assert all(map(torch.equal, kept, alone))


@given(st.integers(1, 8), st.integers(-1, 7), st.tuples(SIDE, SIDE))
def test_a_grid_that_fits_keeps_something(stride, offset, grid):
    """`check` lets no stride pass that exceeds the grid, and no grid that would stay empty."""
    if offset >= stride:
        return
    criterion = Uniform(stride) if offset < 0 else Uniform(stride, "corner", offset)
    if stride > min(grid):
        with pytest.raises(InputError, match=f"stride {stride} .* {grid[0]} x {grid[1]} tokens"):
            criterion.check(grid)
    else:
        criterion.check(grid)
        assert criterion.select(everything(grid)).any()


@given(st.integers(1, 800), st.floats(0.01, 1))
def test_ends_count_as_the_reference(size, fraction):
    selection = everything((1, size))
    count = size - int(size * (1 - fraction))
    assert raster_of(selection, Last(fraction).select(selection)) == [*range(size - count, size)]
    assert raster_of(selection, First(fraction).select(selection)) == [*range(count)]


def test_ends_of_every_view():
    selection = everything((27, 27), (2, 4))
    assert raster_of(selection, Last(0.25).select(selection)) == [*range(546, 729), 735, 736]
    assert raster_of(selection, First(0.25).select(selection)) == [*range(183), 729, 730]


def test_centre_first_then_outwards():
    selection = everything((3, 5))
    scores = Centre().score(selection).reshape(3, 5)
    assert scores.argmax() == 7  # the middle
    assert torch.equal(scores, scores.flip(0)) and torch.equal(scores, scores.flip(1))
    assert scores[1].diff().tolist() == pytest.approx([0.4, 0.4, -0.4, -0.4])
    assert scores[0, 2] == pytest.approx(-2 / 3)  # sides of the view, not tokens


@pytest.mark.parametrize("count", [36, 50, 72])
def test_lattice_leaves_no_gap_that_a_grid_of_stride_two_does_not(count):
    selection = everything((12, 12))
    kept = Lattice().score(selection)[0].topk(count).indices
    gaps = torch.cdist(selection.place[0].float(), selection.place[0, kept].float()).amin(1)
    assert gaps.max() <= 2**0.5 + 1e-6
    assert selection.place[0, kept].float().mean(0).tolist() == pytest.approx([5.5, 5.5], abs=0.1)


@FEW
@given(st.tuples(SIDE, SIDE), st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_oracle_takes_the_box_first(grid, sides):
    """By the share of a cell inside the box, on a picture ten times as fine."""
    (left, right), (top, bottom) = sorted(sides[:2]), sorted(sides[2:])
    selection = replace(everything(grid), boxes=torch.tensor([[left, top, right, bottom]]))
    shares = [
        max(0, min(right * grid[1], x + 1) - max(left * grid[1], x))
        * max(0, min(bottom * grid[0], y + 1) - max(top * grid[0], y))
        for y in range(grid[0])
        for x in range(grid[1])
    ]
    counts = torch.tensor([(len(shares) + 1) // 2])
    for oracle, sign in ((Oracle(), 1), (Oracle(inverse=True), -1)):
        kept = oracle.select(selection, counts)[0]
        worst = min(sign * shares[i] for i in kept.nonzero())
        best = max((sign * shares[i] for i in (~kept).nonzero()), default=-2)
        assert worst >= best - 1e-5


def test_oracle_goes_on_around_the_box():
    box = torch.tensor([[0.4, 0.4, 0.6, 0.6]])  # the middle cell of 5 x 5
    selection = replace(everything((5, 5)), boxes=box)
    picture = Oracle().score(selection).reshape(5, 5)
    order = picture.flatten().argsort(descending=True).tolist()
    assert order[0] == 12
    assert set(order[1:5]) == {7, 11, 13, 17} and set(order[5:9]) == {6, 8, 16, 18}
    assert order[-4:] == [0, 4, 20, 24]
    inverse = Oracle(inverse=True).score(selection)[0].argsort(descending=True).tolist()
    assert inverse[:4] == [0, 4, 20, 24] and inverse[-1] == 12


def test_oracle_inside_the_box_goes_by_its_centre():
    """All cells inside have the same share, although 1/7 is no number of the machine."""
    selection = replace(everything((7, 7)), boxes=torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    assert Oracle().score(selection)[0].argmax() == 24


def test_replay_keeps_what_is_given_and_still_there():
    selection = everything((3, 4), batch=2)
    given = [torch.tensor([0, 5, 11]), torch.tensor([], dtype=torch.int16)]
    selection = replace(selection, kept=given)
    kept = Replay("fastv").select(selection)
    assert raster_of(selection, kept, 0) == [0, 5, 11] and not kept[1].any()
    later = narrow(selection, selection.raster % 2 == 0)
    assert raster_of(later, Replay("fastv").select(later), 0) == [0]


def test_contextual_tokens_are_every_step_th_of_the_rest():
    selection = everything((3, 4))
    received = torch.tensor([[0.0, 9, 0, 8, 0, 0, 7, 0, 0, 0, 0, 6]])
    selection = replace(selection, received=received)
    rest = [0, 2, 4, 5, 7, 8, 9, 10]  # besides the four that get most
    kept = TowerAttention(spread=0.5).select(selection, torch.tensor([8]))
    assert raster_of(selection, kept) == sorted([1, 3, 6, 11, *rest[::2]])
    kept = TowerAttention(spread=0.45).select(selection, torch.tensor([7]))  # 3 of 8: steps of 2
    assert raster_of(selection, kept) == sorted([1, 3, 6, 11, *rest[:6:2]])
    kept = TowerAttention().select(selection, torch.tensor([4]))
    assert raster_of(selection, kept) == [1, 3, 6, 11]


@pytest.mark.parametrize(("budget", "contextual"), [(192, 30), (128, 20), (64, 10)])
def test_contextual_tokens_are_as_many_as_in_visionzip(budget, contextual):
    selection = everything((24, 24))
    selection = replace(selection, received=-selection.raster.float())  # the first get most
    kept = TowerAttention(spread=0.15625).select(selection, torch.tensor([budget]))
    dominant = budget - contextual
    assert kept[0, :dominant].all() and kept[0, dominant:].sum() == contextual


def test_none_keeps_nothing():
    assert not Nothing().select(everything((3, 4))).any()


def test_random_differs_by_seed_and_example():
    selection = everything((8, 8), batch=2)
    one, other = Random(0).score(selection), Random(1).score(selection)
    assert not torch.equal(one, other)
    assert not torch.equal(one[0], one[1])


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_token_keeps_its_random_number(some, others):
    selection = everything((1, some + others))
    part = narrow(selection, selection.raster < some)
    assert torch.equal(Random().score(part), Random().score(selection)[:, :some])


def test_random_is_uniform():
    drawn = Random().score(everything((40, 50)))[0]
    assert drawn.min() >= 0 and drawn.max() < 1
    counts = torch.histc(drawn, bins=4, min=0, max=1)
    assert functional.l1_loss(counts / 500, torch.ones(4)) < 0.1


def test_softmax_over_the_row_ranks_differently():
    selection = random_selection(3, [(6, 6)])
    image, row = (Attention(softmax=scope).score(selection) for scope in ("image", "row"))
    assert not torch.equal(image.argsort(1), row.argsort(1))


def test_without_rope_is_neither_with_rope_nor_uniform():
    selection = random_selection(3, [(6, 6)])
    scores = Attention(rope=False).score(selection)
    assert not torch.allclose(scores, Attention(rope=True).score(selection))
    assert scores.std(1).min() > 1e-3
    cos, sin = selection.projected.rotary
    still = replace(selection.projected, rotary=(torch.ones_like(cos), torch.zeros_like(sin)))
    assert torch.allclose(scores, Attention().score(replace(selection, projected=still)))


# -- configuration -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"atention": {}}, "unknown criterion 'atention'; known: .*'attention'.*'uniform'"),
        ({"attention": {"rop": True}}, "unknown field 'rop'; allowed: .*'rope', 'query'"),
        ({"attention": {"query": "first"}}, "'first' is not one of .*'last'"),
        ({"attention": {"rope": 1}}, "1 is not a value of type bool"),
        ({"uniform": {}}, "uniform: missing field 'stride'"),
        ({"uniform": {"stride": 0}}, "stride must be at least 1"),
        ({"uniform": {"stride": "two"}}, "'two' is not a value of type int"),
        ({"uniform": {"stride": 2, "start": "edge"}}, r"'edge' is not one of \['centre', 'corner'"),
        ({"uniform": {"stride": 2, "offset": 1}}, "offset: only goes with start: corner"),
        ({"last": {"fraction": 1.5}}, r"fraction must lie in \(0, 1\]"),
        ({"first": {}}, "first: missing field 'fraction'"),
        ({"replay": {}}, "replay: missing field 'method'"),
        ({"knn": {"neighbours": 0}}, "neighbours must be at least 1"),
        ({"tower-attention": {"spread": 1.0}}, r"spread must lie in \[0, 1\), got 1.0"),
        ({"oracle": {"inverse": "yes"}}, "'yes' is not a value of type bool"),
        ("attention", "expected one of"),
    ],
)
def test_wrong_input(data, message):
    with pytest.raises(InputError, match=f"^file.yaml: x.*{message}"):
        criteria.parse(data, "file.yaml: x")


def test_abstract_classes_are_not_criteria():
    assert not {Criterion, SetCriterion} & set(criteria.registry().values())
