"""Distance from uniform and what chance gives, against scipy and simulation."""

import numpy as np
import pandas as pd
import pytest
import synthetic
from scipy import stats

from prunescope.statistics import position
from prunescope.statistics.bootstrap import Bootstrap

FEW = Bootstrap(resamples=400)


def test_divergences_are_those_of_scipy():
    counts = np.random.default_rng(0).integers(0, 9, (5, 12))
    variation, kl = position.divergences(counts).T
    uniform = np.full(12, 1 / 12)
    np.testing.assert_allclose(kl, [stats.entropy(c, uniform) for c in counts])
    np.testing.assert_allclose(
        variation, np.abs(counts / counts.sum(1)[:, None] - 1 / 12).sum(1) / 2
    )


@pytest.mark.parametrize(("rows", "cols", "kept", "examples"), [(6, 6, 9, 20), (9, 4, 18, 50)])
def test_chance_is_what_random_choices_give(rows, cols, kept, examples):
    rng = np.random.default_rng(1)
    order = rng.random((3000, 2 * examples, rows * cols), np.float32).argsort(-1)
    counts = (order < kept).reshape(3000, 2, examples, rows, cols).sum((2, 4))
    sample, other = counts[:, 0], counts[:, 1] - kept * examples / rows
    measures, resampled = (position.row_measures(each) for each in (sample, sample + other))
    divergence = (2 * measures - resampled).mean(0)[2:]
    found = position.chance_measures(rows, rows * cols, kept, examples)
    np.testing.assert_allclose(found[:2], measures.mean(0)[:2], atol=0.003)
    assert found[2] == pytest.approx(divergence[0], rel=0.05)
    assert divergence[1] == pytest.approx(found[3], abs=0.05 * measures[:, 3].mean())


def test_keeping_all_leaves_nothing_to_chance():
    assert position.chance_divergences(6, 36, 36, 5).tolist() == [0, 0]


@pytest.mark.parametrize("bias", [position.position_bias, position.map_bias])
def test_bias_of_random_choices_is_that_of_chance(bias):
    draws = [synthetic.scores(60, tilt=0.0, seed=seed) for seed in range(12)]
    table = pd.concat([bias(scores, [0.75], Bootstrap(300)) for scores in draws])
    difference = table["variant"] == position.DIFFERENCE
    means = table[~difference].groupby("measure")[["value", "chance"]].mean()
    np.testing.assert_allclose(means["value"], means["chance"], rtol=0.2, atol=0.001)
    assert (table.loc[difference, "chance"] == 0).all()


def test_map_sees_at_least_what_rows_show():
    counts = np.random.default_rng(2).integers(1, 30, (50, 6, 4))
    cells, rows = counts.reshape(50, -1), counts.sum(2)
    assert (position.divergences(rows) <= position.divergences(cells)).all()


@pytest.mark.parametrize("cells", [6, 36])
def test_intervals_of_divergences_cover_what_many_images_show(cells):
    rng = np.random.default_rng(3)
    share = rng.dirichlet(np.full(cells, 5.0))
    truth = position.divergences(share)
    biased, covered = np.array([True, True]), []
    for _ in range(60):
        images = rng.dirichlet(30 * share, 80)  # alike within, as questions about an image are
        counts = np.stack([rng.multinomial(60, each) for each in images]).astype(float)
        _, low, high = FEW.interval(counts, position.divergences, biased).T
        covered.append((low <= truth) & (truth <= high))
    assert (np.mean(covered, axis=0) > 0.8).all()


def test_columns_that_are_preferred_are_seen_by_the_map_alone():
    turned = synthetic.scores(images=60).transpose("example", "layer", "variant", "col", "row")
    scores = synthetic.scores(images=60).copy(data=turned.values)
    at = {"layer": 1, "variant": "rope", "measure": "kl"}
    tables = [b(scores, [0.75], FEW) for b in (position.position_bias, position.map_bias)]
    rows, cells = (t.loc[(t[list(at)] == list(at.values())).all(axis=1)].iloc[0] for t in tables)
    assert rows["value"] < 0.05 < cells["low"]


def test_maps_go_by_the_fraction_removed():
    scores = synthetic.scores()
    maps = position.retention_maps(scores, [0.5, 0.75])
    assert maps.dims == ("remove", "layer", "variant", "row", "col")
    np.testing.assert_array_equal(maps.sel(remove=0.75), position.retention(scores, 0.75))
    kept = [position.kept_count(synthetic.N, r) / synthetic.N for r in (0.5, 0.75)]
    np.testing.assert_allclose(maps.mean(["row", "col"]), np.tile(kept, (2, 4, 1)).T)
