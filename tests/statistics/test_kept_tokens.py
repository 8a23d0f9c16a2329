"""Counts of kept tokens from Parquet parts, against loops over the records."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from helpers import synthetic
from prunescope.errors import InputError
from prunescope.statistics import kept_tokens, position, uniformity
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.quarters import quarters

FEW = Bootstrap(resamples=400)
BY = ["model", "task", "method"]


def written(tmp_path, records, sizes=(7, 64, 1000)):
    """The records in parts of these numbers of rows, the last as large as it gets."""
    bounds = np.cumsum([0, *sizes])
    paths = []
    for start, end in zip(bounds, [*bounds[1:-1], len(records)], strict=False):
        paths.append(tmp_path / f"{start}.parquet")
        records[start:end].to_parquet(paths[-1], index=False)
    return paths


def counted(records, by=BY):
    """The same by a loop: (*by, stage, raster) -> tokens."""
    return Counter(
        (*(row[name] for name in by), stage, int(token))
        for row in records.to_dict("records")
        for stage, kept in enumerate(row["kept"])
        for token in kept
    )


@pytest.mark.parametrize("by", [BY, ["method"], ["image", "method"], []])
def test_counts_are_those_of_a_loop(tmp_path, by, monkeypatch):
    monkeypatch.setattr(kept_tokens, "ROWS", 50)  # parts are read in pieces
    records = synthetic.records(images=5).sample(frac=1, random_state=0)
    table = kept_tokens.count_tokens(written(tmp_path, records), by)
    counts = table.set_index([*by, "stage", "raster"])["tokens"]
    assert counts.to_dict() == counted(records, by)
    assert table["tokens"].sum() == records["kept"].map(lambda k: sum(map(len, k))).sum()


def test_share_of_records_is_the_retention(tmp_path):
    records = synthetic.records(images=5)
    table = kept_tokens.count_tokens(written(tmp_path, records))
    fastv = table.query("method == 'fastv' and task == 'locate'")
    assert (fastv["records"] == 10).all()
    assert (fastv["tokens"] / fastv["records"]).sum() == pytest.approx(9)


def test_model_as_it_is_keeps_nothing_that_is_listed(tmp_path):
    unpruned = synthetic.records(images=2).query("method == 'unpruned'")
    table = kept_tokens.count_tokens(written(tmp_path, unpruned))
    assert table.empty and [*table] == [*BY, "stage", "raster", "tokens", "records"]


def test_stages_that_keep_nothing_count_as_records(tmp_path):
    records = synthetic.records(images=2).query("method == 'fastv'").head(3)
    empty = np.array([], np.int16)
    records["kept"] = pd.Series([[empty], [empty], [np.array([4], np.int16)]], records.index)
    [row] = kept_tokens.count_tokens(written(tmp_path, records)).to_dict("records")
    assert (row["raster"], row["tokens"], row["records"]) == (4, 1, 3)


def test_position_of_kept_tokens_is_that_of_their_rows(tmp_path):
    records = synthetic.records(images=20)
    table = kept_tokens.kept_position(written(tmp_path, records), synthetic.GRID, FEW)
    assert set(table["method"]) == set(synthetic.METHODS) - {"unpruned"}
    last = records.query("method == 'feather'")["kept"].map(lambda stages: stages[1])
    rows = np.bincount(np.concatenate(last.to_list()) // 6, minlength=6)
    position_of_last = table.query("method == 'feather' and stage == 1")
    np.testing.assert_allclose(position_of_last["value"][:2], position.heights(rows))
    plain = uniformity.divergences(quarters(rows))
    assert (position_of_last["value"][2:] < plain).all()  # without what noise adds
    assert position_of_last["chance"].to_list() == [0.5, 0.25, 0, 0]
    assert (position_of_last["examples"] == 120).all() and (position_of_last["units"] == 20).all()
    height = position_of_last.iloc[0]
    assert height["measure"] == "mean_row" and height["low"] < 0.5 < height["high"]


def test_a_centred_grid_is_even_and_the_bottom_is_not(tmp_path):
    records = synthetic.records(images=20).query("method in ['unpruned', 'uniform', 'fastv']")
    raster = np.arange(36).reshape(6, 6)
    chosen = {"uniform": raster[[1, 4]].ravel(), "fastv": raster[4:].ravel()}
    for method, tokens in chosen.items():
        rows = records["method"] == method
        kept = [[tokens.astype(np.int16)]] * rows.sum()
        records.loc[rows, "kept"] = pd.Series(kept, records.index[rows])
    table = kept_tokens.kept_position(written(tmp_path, records), synthetic.GRID, FEW)
    values = table.set_index(["method", "measure"])["value"]
    np.testing.assert_allclose(values["uniform"][["total_variation", "kl"]], 0, atol=1e-9)
    assert values["fastv", "total_variation"] > 0.4


def test_method_that_keeps_nothing_has_no_position(tmp_path):
    records = synthetic.records(images=3)
    nothing = records["method"] == "uniform"
    records.loc[nothing, "kept"] = records.loc[nothing, "kept"].map(lambda kept: [kept[0][:0]])
    table = kept_tokens.kept_position(written(tmp_path, records), synthetic.GRID, FEW)
    assert "uniform" not in set(table["method"]) and np.isfinite(table["value"]).all()


def test_methods_that_miss_images_are_measured_on_theirs(tmp_path):
    records = synthetic.records(images=8)
    missing = (records["method"] == "fastv") & records["image"].isin(["image-0", "image-1"])
    table = kept_tokens.kept_position(written(tmp_path, records[~missing]), synthetic.GRID, FEW)
    assert table.groupby("method")["units"].first()[["fastv", "uniform"]].tolist() == [6, 8]
    assert np.isfinite(table["value"]).all()


def test_method_with_one_image_has_no_interval(tmp_path):
    records = synthetic.records(images=8)
    missing = (records["method"] == "fastv") & (records["image"] != "image-0")
    table = kept_tokens.kept_position(written(tmp_path, records[~missing]), synthetic.GRID, FEW)
    table = table.set_index("method")
    assert table.loc["fastv", ["low", "high"]].isna().all(axis=None)
    assert table.loc["uniform", ["low", "high"]].notna().all(axis=None)


def test_bad_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: no such file"):
        kept_tokens.count_tokens([tmp_path / "none.parquet"])
    [path] = written(tmp_path, synthetic.records(images=2).drop(columns="kept"), [1])
    with pytest.raises(InputError, match=r"missing columns \['kept'\]"):
        kept_tokens.count_tokens([path])
    [path] = written(tmp_path, synthetic.records(images=2), [1])
    with pytest.raises(InputError, match=r"outside the grid \(3, 6\)"):
        kept_tokens.kept_position([path], (3, 6), FEW)
