"""Statistics against closed forms, scipy and symmetries."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import synthetic
from prunescope.errors import InputError
from prunescope.statistics import accuracy, boxes, position, reading
from prunescope.statistics.bootstrap import Bootstrap, unit_sums
from prunescope.top_k import kept_count, ranks

FEW = Bootstrap(resamples=400)


def test_kept_set_has_the_size_of_the_formula_and_ties_go_to_the_lower_index():
    assert [kept_count(400, 0.9), kept_count(729, 0.75)] == [39, 182]
    rank = ranks(np.array([[1.0, 2.0, 1.0, 2.0, 0.0]]))
    assert rank.tolist() == [[2, 0, 3, 1, 4]]
    kept = position.kept(synthetic.scores(), 0.75)
    assert (kept.sum(["row", "col"]) == 9).all()


@pytest.mark.parametrize("remove", [-0.1, 1.0, 0.999])
def test_fraction_that_leaves_nothing_is_refused(remove):
    with pytest.raises(InputError, match="remove"):
        position.kept(synthetic.scores(images=2), remove)


@pytest.mark.parametrize("rows", [4, 6, 27])
def test_uniform_counts_have_the_reference_values(rows):
    assert position.heights(np.full(rows, 7.0)) == pytest.approx([0.5, 0.25])


def test_bottom_row_alone_is_the_far_end():
    assert position.heights(np.eye(8)[-1]) == pytest.approx([15 / 16, 1])


def test_flipping_the_image_flips_the_map():
    scores = synthetic.scores()
    flipped = scores.copy(data=scores.values[..., ::-1, :])
    original, turned = (position.retention(s, 0.75).values for s in (scores, flipped))
    np.testing.assert_array_equal(original, turned[..., ::-1, :])
    rows = [
        position.position_bias(s, [0.75], FEW).query("measure == 'mean_row'")
        for s in (scores, flipped)
    ]
    single = rows[0]["variant"] != position.DIFFERENCE
    np.testing.assert_allclose(rows[0]["value"][single], 1 - rows[1]["value"][single])
    np.testing.assert_allclose(rows[0]["value"][~single], -rows[1]["value"][~single], atol=1e-12)


def test_position_bias_agrees_with_the_plain_mean_and_sees_the_pull():
    scores = synthetic.scores(images=30)
    table = position.position_bias(scores, [0.5, 0.75], FEW)
    assert len(table) == 2 * synthetic.DEPTH * 3 * len(position.HEIGHTS)
    at = table.set_index(["remove", "layer", "variant", "measure"])
    kept = position.kept(scores, 0.75).sel(layer=1, variant="rope").values
    height = (np.nonzero(kept)[1] + 0.5) / synthetic.GRID[0]
    assert at.loc[(0.75, 1, "rope", "mean_row"), "value"] == pytest.approx(height.mean())
    assert at.loc[(0.75, 1, "rope", "mean_row"), "low"] > 0.6
    low, high = at.loc[(0.75, 1, "norope", "mean_row"), ["low", "high"]]
    assert low < 0.5 < high
    assert at.loc[(0.75, 1, position.DIFFERENCE, "mean_row"), "low"] > 0


def test_interval_of_a_mean_is_the_closed_form():
    values = np.random.default_rng(1).normal(3, 2, (400, 1))
    low, high = Bootstrap(20_000).means(values, np.arange(400)).loc[0, ["low", "high"]]
    half = stats.norm.ppf(0.975) * values.std() / 20
    assert [low, high] == pytest.approx([values.mean() - half, values.mean() + half], abs=0.01)


def test_interval_grows_by_the_root_of_identical_examples_per_image():
    values = np.random.default_rng(2).normal(size=(300, 1))
    single = Bootstrap().means(values, np.arange(300)).loc[0]
    copied = np.repeat(values, 4, axis=0)
    by_image = Bootstrap().means(copied, np.repeat(np.arange(300), 4)).loc[0]
    by_example = Bootstrap().means(copied, np.arange(1200)).loc[0]
    width = [e["high"] - e["low"] for e in (single, by_image, by_example)]
    assert width[0] == pytest.approx(width[1])
    assert width[0] / width[2] == pytest.approx(2, rel=0.05)


def test_draws_do_not_depend_on_the_block_size(monkeypatch):
    sums = np.random.default_rng(3).normal(size=(20, 2))
    whole = FEW.interval(sums)
    monkeypatch.setattr("prunescope.statistics.bootstrap.BLOCK", 60)
    np.testing.assert_allclose(whole, FEW.interval(sums))


def test_one_image_has_no_interval():
    [row] = FEW.means(np.ones((3, 1)), np.zeros(3)).to_dict("records")
    assert row["value"] == 1 and np.isnan([row["low"], row["high"]]).all() and row["units"] == 1


def test_column_of_one_image_has_a_value_but_no_interval():
    values = np.array([[1.0, np.nan], [0.0, np.nan], [1.0, 1.0]])
    table = FEW.means(values, np.arange(3), np.array([[1.0, -1.0]]))
    assert table["value"].tolist() == pytest.approx([2 / 3, 1, -1 / 3])
    assert table["low"].isna().tolist() == [False, True, True]


def test_unit_sums_add_up_by_unit():
    assert unit_sums(np.array([[1.0], [2.0], [4.0]]), np.array(["b", "a", "b"])).tolist() == [
        [5],
        [2],
    ]


def test_accuracy_is_the_mean_of_the_scores():
    records = synthetic.records()
    table = accuracy.estimates(accuracy.by_method(records), None, FEW)
    expected = records.groupby(["task", "method"])["score"].mean()
    np.testing.assert_allclose(
        table.set_index(["group", "method"])["value"],
        expected.loc[list(zip(table.group, table.method, strict=True))],
        rtol=1e-6,
    )
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()


def test_group_is_the_mean_of_its_tasks_and_the_contrast_their_difference():
    records = synthetic.records()
    values = accuracy.by_method(records)
    groups = accuracy.task_groups(synthetic.TASKS, ["locate"])
    table = accuracy.estimates(values, groups, FEW).set_index(["group", "method"])["value"]
    mean = values.groupby("task").mean()["fastv"]
    assert table[accuracy.OTHER, "fastv"] == pytest.approx((mean["color"] + mean["count"]) / 2)
    contrast = table[accuracy.LOCALIZATION, "fastv"] - table[accuracy.OTHER, "fastv"]
    assert table[accuracy.CONTRAST, "fastv"] == pytest.approx(contrast)


def small_task(images, of=100):
    """Scores of one method on a task of `of` images and on one of a few others."""
    rng = np.random.default_rng(4)
    rows = [("large", f"large-{i}", f"image-{i}") for i in range(of)]
    rows += [("small", f"small-{i}", f"other-{i}") for i in range(images)]
    index = pd.MultiIndex.from_tuples(rows, names=["task", "example", "image"])
    return pd.DataFrame({"m": rng.normal(size=len(index))}, index)


def test_task_of_one_image_beside_a_large_one_has_no_interval():
    values = small_task(1)
    groups = {"large": {"large": 1}, "small": {"small": 1}, "both": {"large": 0.5, "small": 0.5}}
    table = accuracy.estimates(values, groups, FEW).set_index("group")
    assert table["units"].to_dict() == {"large": 100, "small": 1, "both": 101}
    assert table["low"].isna().to_dict() == {"large": False, "small": True, "both": True}
    assert table["high"].isna().equals(table["low"].isna()) and table["value"].notna().all()


def test_small_task_has_the_interval_that_it_has_alone():
    values = small_task(5)
    many = Bootstrap(20_000)
    beside = accuracy.estimates(values, None, many).set_index("group").loc["small"]
    alone = accuracy.estimates(values.loc[["small"]], None, many).iloc[0]
    assert beside["units"] == alone["units"] == 5
    width = beside["high"] - beside["low"]
    assert width == pytest.approx(alone["high"] - alone["low"], rel=0.15)


def test_images_are_those_that_a_method_has_answered():
    values = small_task(3).assign(n=np.nan)
    values.iloc[:2, 1] = 1.0
    table = accuracy.estimates(values, None, FEW).set_index(["group", "method"])
    assert table["units"].to_dict() == {
        ("large", "m"): 100, ("large", "n"): 2, ("small", "m"): 3, ("small", "n"): 0,
    }  # fmt: skip
    assert np.isnan(table.loc[("small", "n"), "value"])


def test_difference_of_a_method_with_itself_is_exactly_zero():
    table = accuracy.compare(synthetic.records(), [("fastv", "fastv")], ["locate"], FEW)
    assert (table[["value", "low", "high"]] == 0).all(axis=None)
    assert (table["p"].dropna() == 1).all()


def test_methods_with_equal_answers_may_differ_on_other_questions():
    records = synthetic.records()
    twin = records[records["method"] == "fastv"].assign(method="twin")
    values = accuracy.by_method(pd.concat([records, twin]))
    change = accuracy.differences(values, [("twin", "fastv"), ("fastv", "unpruned")])
    table = accuracy.estimates(change, None, FEW).set_index("method").loc[[("twin", "fastv")]]
    assert (table["low"] < 0).all() and (table["high"] == -table["low"]).all()
    assert (table["interval"] == "exact").all()
    named = change.set_axis(["twin - fastv", "fastv - unpruned"], axis=1)
    same = accuracy.estimates(named, None, FEW, paired=list(named)).set_index("method")
    columns = ["value", "low", "high"]
    np.testing.assert_array_equal(same.loc["twin - fastv", columns], table[columns])


def test_swapping_a_pair_flips_the_difference():
    pairs = [("fastv", "unpruned"), ("unpruned", "fastv")]
    original, turned = (
        g
        for _, g in accuracy.compare(synthetic.records(), pairs, ["locate"], FEW).groupby("method")
    )
    np.testing.assert_allclose(original["value"], -turned["value"].to_numpy())
    np.testing.assert_array_equal(original["gains"], turned["losses"])


def test_missing_examples_do_not_count():
    records = synthetic.records()
    missing = (records["method"] == "fastv") & (records["example"] == "color-0")
    table = accuracy.compare(records[~missing], [("fastv", "unpruned")], ["locate"], FEW)
    assert table.set_index("group")["examples"][["color", "count"]].tolist() == [39, 40]


def test_unknown_method_is_named():
    with pytest.raises(InputError, match=r"unknown methods \['fastw'\].*'fastv'"):
        accuracy.compare(synthetic.records(), [("fastw", "unpruned")], [], FEW)


def test_budget_is_one_for_the_unpruned_model():
    table = accuracy.budgets(synthetic.records())
    assert (table["unpruned"] == 1).all()
    assert table["fastv"].unique() == pytest.approx([(1 + 3 * 9 / 36) / 4])


def test_cells_of_a_box_against_whole_cells():
    cells = boxes.box_cells(np.array([[0, 0.5, 0.5, 1.0]]), (4, 6)).reshape(4, 6)
    assert cells[2:, :3].all() and cells.sum() == 6
    tiny = boxes.box_cells(np.array([[0.51, 0.01, 0.52, 0.02]]), (4, 6))
    assert np.flatnonzero(tiny).tolist() == [3]
    everything = boxes.box_cells(np.array([[0, 0, 1, 1]]), (4, 6))
    assert everything.all()


def test_bands_go_from_top_to_bottom():
    tops = [0.0, 0.3, 0.6, 0.9]
    assert boxes.band_of(np.array([[0, t, 1, t + 0.1] for t in tops])).tolist() == [0, 1, 2, 3]


def test_recall_is_one_without_pruning_and_the_kept_share_for_random_sets():
    records = synthetic.records(images=100)
    table = boxes.by_band(boxes.with_recall(records, synthetic.GRID), FEW)
    recall = table[table["measure"] == "recall"].set_index(["method", "band"])
    single = [b for b in recall.index.levels[1] if b != boxes.BAND_CONTRAST]
    assert (recall.loc["unpruned"].loc[single, "value"].dropna() == 1).all()
    assert recall.loc["fastv"].loc[single, "value"].mean() == pytest.approx(0.25, abs=0.04)
    ends = recall.loc["fastv", "value"]
    assert ends[boxes.BAND_CONTRAST] == pytest.approx(ends[boxes.BANDS - 1] - ends[0])


def test_no_box_at_all_is_said():
    without = synthetic.records().query("task == 'color'")
    with pytest.raises(InputError, match="no question has a true box"):
        boxes.by_band(boxes.with_recall(without, synthetic.GRID), FEW)


def test_recall_by_layer_is_recall_of_the_stored_sets():
    scores, records = synthetic.scores(), synthetic.records()
    rows = records.query("task == 'locate' and method == 'unpruned'").set_index("example")
    table = boxes.recall_by_layer(scores, rows["target_box"], 0.75, FEW)
    kept = position.kept(scores, 0.75).sel(layer=2, variant="norope").values.reshape(40, -1)
    cells = boxes.box_cells(np.stack(rows["target_box"].loc[scores.example.values]), synthetic.GRID)
    expected = np.mean([k[c].mean() for k, c in zip(kept, cells, strict=True)])
    row = table.query("layer == 2 and variant == 'norope'")
    assert row["value"].item() == pytest.approx(expected)


def test_more_kept_never_lowers_recall():
    scores, cells = synthetic.scores(), np.ones(36, bool)
    shares = [
        boxes.recall(position.kept(scores, r).values.reshape(-1, 36), cells) for r in (0.9, 0.5, 0)
    ]
    assert all((less <= more).all() for less, more in pairwise(shares))


def test_files_are_read_back(tmp_path):
    study = synthetic.write(tmp_path, images=4)
    records = reading.read_records(study["records"], ["score", "target_box"])
    assert len(records) == 3 * 8 * len(synthetic.METHODS)
    assert reading.localization_tasks(records) == ["locate"]
    other = synthetic.write_scores(tmp_path / "b.zarr", synthetic.scores(2), task="point")
    none = synthetic.scores(2).isel(example=slice(0))
    empty = synthetic.write_scores(tmp_path / "empty.zarr", none, model="idle")
    scores = reading.read_scores([*study["attention"], empty, other])
    assert scores["task"].values.tolist() == ["locate"] * 8 + ["point"] * 4


def test_scores_of_several_models_are_read_apart(tmp_path):
    small = synthetic.scores(2).isel(layer=slice(2), row=slice(3))
    paths = [
        synthetic.write_scores(tmp_path / "a.zarr", synthetic.scores(2), model="deep"),
        synthetic.write_scores(tmp_path / "b.zarr", small, model="small"),
    ]
    by_model = reading.read_every_scores(paths)
    assert [(name, dict(s.sizes)["layer"]) for name, s in by_model.items()] == [
        ("deep", synthetic.DEPTH),
        ("small", 2),
    ]
    with pytest.raises(InputError, match=r"expected one model, got also \['small'\]"):
        reading.read_scores(paths)


def test_bad_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: no such file"):
        reading.read_records([tmp_path / "none.parquet"], [])
    path = tmp_path / "part.parquet"
    pd.DataFrame({"model": ["m"]}).to_parquet(path)
    with pytest.raises(InputError, match=r"part\.parquet: missing columns \['task'"):
        reading.read_records([path], [])
    study = synthetic.write(tmp_path / "study", images=2)
    with pytest.raises(InputError, match="repeated rows"):
        reading.read_records(study["records"] * 2, [])
    with pytest.raises(InputError, match="no such store"):
        reading.read_scores([tmp_path / "none.zarr"])
    with pytest.raises(InputError, match="4 repeated examples of 'tiny'"):
        reading.read_scores(study["attention"] * 2)
    synthetic.scores(2).to_zarr(tmp_path / "nameless.zarr", zarr_format=2)
    with pytest.raises(InputError, match=r"nameless\.zarr: missing attributes \['model', 'task'\]"):
        reading.read_scores([tmp_path / "nameless.zarr"])


@pytest.mark.parametrize("images", [10, 20, 40])
def test_interval_of_few_images_is_as_wide_as_that_of_student(images):
    values = np.linspace(-1, 1, images)[:, None]
    low, high = Bootstrap(20_000).means(values, np.arange(images)).loc[0, ["low", "high"]]
    student = stats.t.interval(0.95, images - 1, 0, stats.sem(values[:, 0]))
    assert high - low == pytest.approx(student[1] - student[0], rel=0.08)


def test_interval_of_two_images_spans_both():
    table = FEW.means(np.array([[1.0], [3.0]]), np.arange(2))
    assert table.loc[0, ["value", "low", "high"]].tolist() == [2, 1, 3]


def test_draws_of_many_columns_are_held_in_smaller_blocks():
    rows = [len(block) for block in FEW._counts(20, 2**22 // 100)]
    assert rows == [100] * 4
