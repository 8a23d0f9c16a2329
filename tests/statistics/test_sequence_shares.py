"""First quarter, middle half and last quarter tell a U from a slope."""

import numpy as np
import pytest

from helpers import synthetic
from prunescope.errors import InputError
from prunescope.statistics import position, sequence_shares
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.sequence_shares import shares, shares_along, shares_of_counts

FEW = Bootstrap(resamples=400)
EVEN = [0.25, 0.5, 0.25]


@pytest.mark.parametrize("tokens", [4, 6, 7, 144, 729])
def test_all_tokens_have_the_shares_of_an_even_choice(tokens):
    assert list(shares(range(tokens), tokens).values()) == pytest.approx(EVEN)


def test_a_u_and_a_slope_of_one_mean_differ():
    ends, middle = [0, 1, 10, 11], [4, 5, 6, 7]
    assert np.mean(ends) == np.mean(middle)
    assert shares(ends, 12) == {"first": 0.5, "middle": 0.0, "last": 0.5}
    assert shares(middle, 12) == {"first": 0.0, "middle": 1.0, "last": 0.0}
    assert shares([9, 10, 11], 12) == {"first": 0.0, "middle": 0.0, "last": 1.0}


def test_token_on_an_edge_counts_to_both_parts():
    # the second of six tokens spans 1/6 to 1/3 of the sequence, the edge is at 1/4
    assert shares([1], 6) == pytest.approx({"first": 0.5, "middle": 0.5, "last": 0.0})


def test_nothing_kept_has_no_shares_and_no_place_is_outside():
    assert np.isnan([*shares([], 6).values()]).all()
    for places in ([6], [-1, 2]):
        with pytest.raises(InputError, match=r"kept: places must lie in 0 to 5"):
            shares(places, 6)


def test_counts_weigh_places():
    counts = np.array([[3, 0, 0, 1], [0, 2, 2, 0]])
    np.testing.assert_allclose(shares_of_counts(counts), [[0.75, 0, 0.25], [0, 1, 0]])


def test_raster_order_has_equal_shares_along_both_axes():
    masks = np.random.default_rng(0).integers(0, 2, (5, 8, 3))
    sequence, rows = np.moveaxis(shares_along(masks), -2, 0)
    np.testing.assert_allclose(sequence, rows)


def test_reading_order_moves_the_sequence_and_not_the_rows():
    bottom = np.zeros((4, 4))
    bottom[3] = 1
    tokens = np.arange(16)
    assert shares_along(bottom, tokens[::-1]).tolist() == [[1, 0, 0], [0, 0, 1]]
    by_column = tokens.reshape(4, 4).T.ravel()
    np.testing.assert_allclose(shares_along(bottom, by_column), [EVEN, [0, 0, 1]])
    with pytest.raises(InputError, match="order: must hold each of 0 to 15 once"):
        shares_along(bottom, tokens[:-1])


def test_table_has_the_pull_to_the_bottom_and_its_difference():
    scores = synthetic.scores(images=30)
    table = sequence_shares.share_bias(scores, [0.5, 0.75], FEW)
    assert len(table) == 2 * synthetic.DEPTH * 3 * 2 * 3
    at = table.set_index(["remove", "layer", "variant", "axis", "part"]).loc[0.75, 1]
    mask = position.kept(scores, 0.75).sel(layer=1, variant="rope").values
    in_last = mask[:, 5].sum() + mask[:, 4].sum() / 2
    last = at.loc["rope", "rows", "last"]
    assert last["value"] == pytest.approx(in_last / mask.sum()) and last["low"] > last["chance"]
    assert at.loc["rope", "rows", "first"]["high"] < 0.25
    assert at.loc[position.DIFFERENCE, "sequence", "last"]["low"] > 0
    totals = table[table["variant"] != position.DIFFERENCE]
    sums = totals.groupby(["remove", "layer", "variant", "axis"])["value"].sum()
    np.testing.assert_allclose(sums, 1)


def test_variants_alone_have_no_difference():
    scores = synthetic.scores(images=4).sel(variant=["rope"])
    assert set(sequence_shares.share_bias(scores, [0.75], FEW)["variant"]) == {"rope"}
