"""The reading curve: made-up records with known answers, and properties of its parts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import isotonic_regression

from helpers.curve_records import DEPTH, POINTS, records
from prunescope.errors import InputError
from prunescope.statistics import reading_curve
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading_curve import Curve, first_layer, rising, same_place, schedule

FEW = Bootstrap(resamples=200)
# half of what the image adds is there at K = 6, all of it at K = 9
LOCATE = (10, 10, 50, 90, 90)
COLOR, COUNT = (20, 60, 100, 100, 100), (40, 40, 40, 60, 60)
TASKS = {"locate": LOCATE, "color": COLOR, "count": COUNT}


def by_group(table):
    return table.set_index("group")


def test_accuracies_have_both_ends_and_the_share_of_what_the_image_adds():
    table = Curve.of(records(TASKS)).accuracies(FEW)
    assert table["group"].unique().tolist() == ["localization", "other tasks", *TASKS]
    located = table[table["group"] == "locate"]
    assert located["layer"].tolist() == [0, 3, 6, 9, DEPTH]
    assert located["of_depth"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert located["value"].tolist() == pytest.approx([0.1, 0.1, 0.5, 0.9, 0.9])
    assert located["read"].tolist() == pytest.approx([0, 0, 0.5, 1, 1])
    assert set(located["text_only"]) == {0.1} and set(located["unpruned"]) == {0.9}
    assert set(located["examples"]) == {100} and set(located["units"]) == {50}
    inner = located.iloc[1:-1]
    assert (inner["low"] <= inner["value"]).all() and (inner["value"] <= inner["high"]).all()
    assert located["read low"].iloc[2] < 0.5 < located["read high"].iloc[2]
    others = table[table["group"] == "other tasks"]
    assert others["value"].tolist() == pytest.approx([0.3, 0.5, 0.7, 0.8, 0.8])
    assert others["read"].tolist() == pytest.approx([0, 0.4, 0.8, 1, 1])


def test_layers_by_which_the_image_is_read():
    table = by_group(Curve.of(records(TASKS)).reading(FEW))
    assert table.loc["locate", "half"] == pytest.approx(6)
    assert table.loc["locate", "most"] == pytest.approx(6 + 3 * 0.4 / 0.5)
    assert table.loc["other tasks", "half"] == pytest.approx(3 + 3 * 0.1 / 0.4)
    assert table.loc["other tasks", "most"] == pytest.approx(6 + 3 * 0.1 / 0.2)
    assert table.loc["color", "half"] == pytest.approx(3)
    assert table.loc["localization", "adds"] == pytest.approx(0.8)
    assert (table["depth"] == DEPTH).all()
    for name in ("adds", "half", "most"):
        assert (table[f"{name} low"] <= table[name]).all(), name
        assert (table[name] <= table[f"{name} high"]).all(), name
        assert table.loc["color", f"{name} low"] < table.loc["color", f"{name} high"]


def test_layers_of_the_paper_are_put_where_localization_is_read():
    table = by_group(Curve.of(records(TASKS)).reading(FEW, [8, 16]))
    most = table.loc["locate", "most"]  # 8.4 of 12
    assert table.loc["localization", ["K = 8 of 32", "K = 16 of 32"]].tolist() == [5, 9]
    assert [same_place(layer, most, DEPTH) for layer in (8, 16)] == [5, 9]
    assert table.loc[["other tasks", *TASKS], "K = 8 of 32"].isna().all()
    without = Curve.of(records({"color": COLOR})).reading(FEW, [8, 16])
    assert not [name for name in without if name.startswith("K = ")]
    assert without["group"].tolist() == ["other tasks", "color"]


def test_a_wide_table_has_a_row_for_each_layer():
    table = Curve.of(records(TASKS)).accuracies(FEW)
    rows = reading_curve.wide(table)
    assert rows["layer"].tolist() == [0, 3, 6, 9, DEPTH]
    assert rows["count"].tolist() == pytest.approx([0.4, 0.4, 0.4, 0.6, 0.6])
    assert rows["localization read"].tolist() == pytest.approx([0, 0, 0.5, 1, 1])
    for name in (*TASKS, "localization read", "other tasks read"):
        assert (rows[f"{name} low"] <= rows[name]).all(), name
        assert (rows[name] <= rows[f"{name} high"]).all(), name
    assert "color read" not in rows


def test_the_order_of_records_does_not_matter():
    shuffled = records(TASKS, seed=3).sample(frac=1, random_state=0)
    ours = Curve.of(shuffled).reading(FEW).set_index("group").sort_index()
    theirs = Curve.of(records(TASKS, seed=3)).reading(FEW).set_index("group").sort_index()
    pd.testing.assert_series_equal(ours["half"], theirs["half"])
    pd.testing.assert_series_equal(ours["most"], theirs["most"])


def test_nothing_is_read_where_the_image_adds_no_more_than_noise():
    tasks = {"locate": LOCATE, "relation": (50, 60, 50, 52, 51), "exists": (50, 40, 30, 20, 20)}
    curve = Curve.of(records(tasks, seed=1))
    with np.errstate(all="raise"):  # some resamples add nothing at all
        table, reading = curve.accuracies(FEW), by_group(curve.reading(FEW))
    for task in ("relation", "exists"):
        assert table.loc[table["group"] == task, "read"].isna().all()
        assert table.loc[table["group"] == task, "value"].notna().all()
        assert reading.loc[task, ["half", "most", "half low", "most high"]].isna().all()
    assert reading.loc["exists", "adds"] == pytest.approx(-0.3)
    assert reading.loc["locate", "half"] == pytest.approx(6)


def test_layers_are_those_of_the_stages_and_the_depth_follows_from_tokens():
    points = {"no-image-k0": 0, "no-image-k0.5": 6, "no-image-k3": 3, "unpruned": 12, "fastv": 2}
    table = records({"locate": (10, 40, 20, 90, 30)}, points=points)
    curve = Curve.of(table)
    assert list(curve.layers.items()) == [
        ("no-image-k0", 0), ("no-image-k3", 3), ("no-image-k0.5", 6), ("unpruned", DEPTH),
    ]  # fmt: skip
    assert curve.depth == DEPTH
    both = {"no-image-k0.5": 6, "no-image-k6": 6} | POINTS
    assert len(reading_curve.points(records({"locate": [1] * 6}, points=both))) == len(POINTS)


@pytest.mark.parametrize("missing", ["text-only", "unpruned", "between"])
def test_a_curve_without_an_end_is_refused(missing):
    table = records({"locate": LOCATE})
    dropped = (
        table["method"].str.startswith("no-image")
        if missing == "between"
        else (table["method"] == missing)
    )
    with pytest.raises(InputError, match="needs the methods unpruned, text-only and, at one layer"):
        Curve.of(table[~dropped])


def test_a_task_that_some_points_did_not_answer_is_named():
    table = records(TASKS)
    missing = (table["task"] == "color") & (table["method"] == "no-image-k6")
    with pytest.raises(InputError, match=r"no question of \['color'\] has answers of all of"):
        Curve.of(table[~missing])


def test_one_image_gives_values_without_intervals():
    reading = by_group(Curve.of(records({"locate": LOCATE}, per_image=100)).reading(FEW))
    assert reading.loc["locate", "adds"] == pytest.approx(0.8)
    assert np.isnan(reading.loc["locate", "adds low"])


CURVES = arrays(float, st.integers(1, 12), elements=st.floats(-2, 2))


@settings(deadline=None)
@given(CURVES)
def test_rising_is_isotonic_regression(curve):
    np.testing.assert_allclose(rising(curve), isotonic_regression(curve).x, atol=1e-9)


@settings(deadline=None)
@given(arrays(float, (3, 5), elements=st.floats(-2, 2)))
def test_rising_takes_every_curve_by_itself(curves):
    np.testing.assert_array_equal(rising(curves), np.stack([rising(curve) for curve in curves]))


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=3, max_size=8, unique=True),
    st.lists(st.floats(0, 1), min_size=8, max_size=8),
    st.floats(0.05, 0.95),
)
def test_first_layer_is_where_a_straight_line_reaches_the_share(places, shares, share):
    layers = np.array([0, *sorted(places)], float)
    read = np.array([0, *sorted(shares)[: len(layers) - 2], 1])
    found = float(first_layer(read, layers, share))
    assert np.interp(found, layers, read) == pytest.approx(share, abs=1e-6)
    assert (read[layers < found - 1e-6] < share).all()


def test_a_curve_that_falls_is_first_made_rising():
    layers = np.array([0.0, 4, 8, 12, 16])
    # .7 and .3 are pooled to .5, which is reached at K = 4
    assert first_layer(np.array([0, 0.7, 0.3, 0.8, 1]), layers, 0.5) == pytest.approx(4)
    # a plateau at the share counts from its first layer, though its mean is rounded
    plateau = np.array([0, *[0.40047610109663834] * 3, 1])
    assert first_layer(plateau, layers, plateau[1]) == pytest.approx(4)
    # beyond the ends counts as the ends
    assert first_layer(np.array([0, -0.4, -0.2, 1.2, 1]), layers, 0.9) == pytest.approx(8 + 4 * 0.9)
    assert np.isnan(first_layer(np.array([np.nan] * 5), layers, 0.5))


def test_intervals_hold_the_true_layer():
    """Of 20 studies of 80 images, 95 % intervals of the half-way layer hold the truth: in 16 or
    more of them with a probability of 0.997."""
    chance = np.array([0.1, 0.2, 0.5, 0.85, 0.9])
    layers = np.array([*POINTS.values()], float)
    truth = first_layer((chance - chance[0]) / (chance[-1] - chance[0]), layers, 0.5)
    rng, held = np.random.default_rng(0), 0
    for _ in range(20):
        table = records({"locate": [0] * 5}, questions=80, per_image=1)
        luck = np.tile(rng.random(80), len(POINTS))  # of a question, at all points alike
        own = rng.random(len(table)) < 0.3
        luck = np.where(own, rng.random(len(table)), luck)
        table["score"] = (luck < np.repeat(chance, 80)).astype(float)
        row = by_group(Curve.of(table).reading(Bootstrap(100))).loc["locate"]
        held += row["half low"] <= truth <= row["half high"]
    assert held >= 16


# -- the place of the paper's layers -----------------------------------------------------------


def test_layers_of_a_model_that_reads_as_the_papers_stay():
    assert [same_place(layer, 16, 32) for layer in range(1, 32)] == [*range(1, 32)]


@pytest.mark.parametrize(
    ("read", "depth", "layers"),
    [(23.6, 30, [5, 12, 24, 27]), (8, 32, [2, 4, 8, 20]), (6, 12, [2, 3, 6, 9])],
)
def test_layers_cut_both_sides_of_the_reading_as_in_the_paper(read, depth, layers):
    assert [same_place(layer, read, depth) for layer in (3, 8, 16, 24)] == layers


@given(st.integers(2, 80), st.floats(0.01, 1))
def test_places_rise_with_the_layers_and_lie_within_the_model(depth, share):
    places = [same_place(layer, share * depth, depth) for layer in range(1, 32)]
    assert places == sorted(places) and places[0] >= 1 and places[-1] < depth


def test_by_the_place_of_half_the_depth_the_image_is_read():
    for read in (3.0, 3.2, 17.9):
        assert 0 <= same_place(16, read, 24) - read < 1


def test_a_schedule_has_different_layers():
    assert schedule([8, 16], 23.6, 30) == [12, 24]
    with pytest.raises(InputError, match=r"\[8, 16\] of 32 fall on \[1, 1\] of 12, as the image"):
        schedule([8, 16], 0.9, 12)
    with pytest.raises(InputError, match=r"layer: must lie in 1..31, got 32"):
        same_place(32, 10, 20)
