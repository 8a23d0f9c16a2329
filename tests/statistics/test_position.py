"""Where kept tokens lie, by rows and by cells, and what chance gives."""

import numpy as np
import pandas as pd
import pytest

from helpers import synthetic
from prunescope.statistics import position
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.top_k import kept_count

FEW = Bootstrap(resamples=400)


@pytest.mark.parametrize("bias", [position.position_bias, position.map_bias])
def test_random_choices_are_at_chance(bias):
    draws = [synthetic.scores(60, tilt=0.0, seed=seed) for seed in range(12)]
    table = pd.concat([bias(scores, [0.75], FEW) for scores in draws])
    difference = table["variant"] == position.DIFFERENCE
    at_chance = (table["low"] <= table["chance"]) & (table["chance"] <= table["high"])
    assert at_chance.mean() > 0.9
    means = table[~difference].groupby("measure")[["value", "chance"]].mean()
    np.testing.assert_allclose(means["value"], means["chance"], atol=0.03)
    assert (table.loc[difference, "chance"] == 0).all()


def test_columns_that_are_preferred_are_seen_by_the_map_alone():
    turned = synthetic.scores(images=60).transpose("example", "layer", "variant", "col", "row")
    scores = synthetic.scores(images=60).copy(data=turned.values)
    rows, cells = (
        bias(scores, [0.75], FEW).query("layer == 1 and variant == 'rope'").set_index("measure")
        for bias in (position.position_bias, position.map_bias)
    )
    assert rows.loc["mean_row", "low"] < 0.5 < rows.loc["mean_row", "high"]
    assert cells.loc["kl", "low"] > 0.05


def test_maps_go_by_the_fraction_removed():
    scores = synthetic.scores()
    maps = position.retention_maps(scores, [0.5, 0.75])
    assert maps.dims == ("remove", "layer", "variant", "row", "col")
    np.testing.assert_array_equal(maps.sel(remove=0.75), position.retention(scores, 0.75))
    kept = [kept_count(synthetic.N, r) / synthetic.N for r in (0.5, 0.75)]
    np.testing.assert_allclose(maps.mean(["row", "col"]), np.tile(kept, (2, 4, 1)).T)
