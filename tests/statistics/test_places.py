"""Preferences for places: scores whose preference is known give the known measures."""

import numpy as np
import pytest
import xarray as xr

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.places import explained, head_rises, preferences

FEW = Bootstrap(resamples=200)
ROWS, COLUMNS, DRAWS = 8, 8, 12
N = ROWS * COLUMNS
UP = np.linspace(-0.5, 0.5, N)  # along the sequence, from its start to its end


def scores(logs):
    """Scores of draws x variants from {variant: (draws or 1, N) log scores}, on one layer."""
    values = [np.exp(np.broadcast_to(part, (DRAWS, N))) for part in logs.values()]
    data = np.stack(values, axis=1).reshape(DRAWS, 1, len(logs), ROWS, COLUMNS)
    return xr.DataArray(
        data / data.sum((-1, -2), keepdims=True),
        dims=("example", "layer", "variant", "row", "col"),
        coords={
            "example": [f"e{i}" for i in range(DRAWS)],
            "image": ("example", [f"draw-{i}" for i in range(DRAWS)]),
            "layer": [1],
            "variant": list(logs),
        },
    )


def noise(scale, seed=0):
    return np.random.default_rng(seed).normal(0, scale, (DRAWS, N))


def table(logs):
    return preferences(scores(logs), 0.75, FEW).set_index(["variant", "measure"])


def test_scores_that_rise_keep_the_end():
    found = table({"rope": 3 * UP[None], "norope": -3 * UP[None]})["value"]
    assert found["rope", "mean_row"] == pytest.approx(7 / 8)
    assert found["norope", "mean_row"] == pytest.approx(1 / 8)
    assert [found["rope", part] for part in ("first", "middle", "last")] == [0, 0, 1]
    assert [found["norope", part] for part in ("first", "middle", "last")] == [1, 0, 0]
    assert found["rope", "rise"] == pytest.approx(3)
    assert found["rope", "last_over_first_token"] == pytest.approx(np.exp(3))
    assert found["norope", "last_over_first_quarter"] == pytest.approx(np.exp(-3 * 48 / 63))


def test_a_u_is_no_slope():
    """Both ends have the same mean row as the middle; the shares tell them apart."""
    found = table({"rope": 8 * np.abs(UP)[None]})["value"]
    assert found["rope", "mean_row"] == pytest.approx(0.5)
    assert found["rope", "rise"] == pytest.approx(0, abs=1e-9)
    assert [found["rope", part] for part in ("first", "middle", "last")] == [0.5, 0, 0.5]


def test_scores_without_preference_are_at_chance():
    found = table({"rope": noise(1.0)})
    assert (found["low"] < found["chance"] + 0.05).all()
    assert (found["high"] > found["chance"] - 0.05).all()
    assert (found["units"] == DRAWS).all()


def test_equal_scores_prefer_nothing():
    found = table({"rope": np.zeros((1, N)), "norope": noise(1.0)})["value"]
    assert np.isnan([found["rope", name] for name in ("mean_row", "first", "middle", "last")]).all()
    assert found["rope", "last_over_first_quarter"] == pytest.approx(1)
    assert np.isfinite(found["norope"]).all()


def test_intervals_are_over_draws():
    logs = np.linspace(0, 4, DRAWS)[:, None] * UP
    found = table({"rope": logs}).loc[("rope", "rise")]
    assert found["value"] == pytest.approx(2)
    assert 0.5 < found["high"] - found["low"] < 3
    assert found["low"] < 2 < found["high"]


def test_a_profile_explains_its_like():
    curve = np.cos(6 * UP)[None] + 2 * UP
    logs = {"rope": curve, "same": 0.3 * curve, "turned": -curve, "other": noise(1.0)}
    found = explained(scores(logs), FEW).set_index("variant")["value"]
    assert "rope" not in found
    assert found["same"] == pytest.approx(1)
    assert found["turned"] == pytest.approx(-1)
    assert abs(found["other"]) < 0.6


def test_heads_rise_each_for_itself():
    rises = np.array([2.0, 0.0, -1.0])
    row = np.linspace(-0.5, 0.5, ROWS)
    logs = xr.DataArray(
        np.broadcast_to(rises[:, None] * row, (DRAWS, 2, 1, 3, ROWS)),
        dims=("example", "layer", "head_variant", "head", "row"),
        coords={
            "image": ("example", [f"draw-{i}" for i in range(DRAWS)]),
            "layer": [1, 2],
            "head_variant": ["rope"],
        },
    )
    found = head_rises(logs, FEW)
    assert found.loc[found["layer"] == 2, "value"].tolist() == pytest.approx(rises.tolist())
    assert found["head"].tolist() == [0, 1, 2] * 2
