"""The table of all models: which number stands where."""

import numpy as np
import pandas as pd
import pytest

from helpers import synthetic
from helpers.scripts import script
from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap

FEW = Bootstrap(resamples=100)


@pytest.fixture(scope="module")
def records():
    """Two models; the second has no answers of FEATHER and fails whatever is asked unpruned."""
    good = synthetic.records(8)
    bad = synthetic.records(8, seed=1).assign(model="other")
    bad = bad[bad["method"] != "feather"]
    return pd.concat([good, bad.assign(score=bad["score"].where(bad["method"] != "unpruned", 0))])


@pytest.fixture(scope="module")
def table(records):
    module = script("models_table")
    return module.summary(records, ["fastv", "feather"], FEW)


def test_each_task_has_a_row_for_each_model(table):
    assert table["model"].tolist() == ["tiny", "other"] * (2 + len(synthetic.TASKS))
    assert list(dict.fromkeys(table["task"]))[:2] == ["localization", "other tasks"]


def test_cells_are_accuracies_and_paired_changes(records, table):
    cells = table.set_index(["task", "model"])
    for model, own in records.groupby("model"):
        scores = own[own["task"] == "color"].pivot(index="example", columns="method")["score"]
        row = cells.loc[("color", model)]
        assert row["unpruned"] == pytest.approx(scores["unpruned"].mean())
        change = scores["fastv"] - scores["unpruned"]
        assert row["fastv"] == pytest.approx(change.mean())
        assert row["fastv low"] <= row["fastv"] <= row["fastv high"]
    assert (cells.xs("other", level="model")["unpruned"] == 0).all()


def test_a_change_of_nothing_may_be_one_in_either_direction(records):
    tiny = records[(records["model"] == "tiny") & (records["method"] != "fastv")]
    twin = tiny[tiny["method"] == "unpruned"].assign(method="fastv")
    [row] = (
        script("models_table")
        .summary(pd.concat([tiny, twin]), ["fastv"], FEW)
        .query("task == 'color'")
        .to_dict("records")
    )
    assert row["fastv low"] == -row["fastv high"] < row["fastv"] == 0


def test_what_a_model_was_not_asked_is_empty(table):
    empty = table[["feather", "feather low", "feather high"]].isna().all(axis=1)
    assert (empty == (table["model"] == "other")).all()


def test_a_method_without_records_is_an_error(records, tmp_path):
    records.to_parquet(tmp_path / "records.parquet", index=False)
    with pytest.raises(InputError, match=r"no records of \['fastvv'\]"):
        script("models_table").make([tmp_path / "records.parquet"], tmp_path / "t.csv", ["fastvv"])


def test_a_method_that_no_model_has_is_left_out(records, tmp_path):
    records.to_parquet(tmp_path / "records.parquet", index=False)
    out, wanted = tmp_path / "t.csv", ["fastv", "fastvv"]
    script("models_table").make([tmp_path / "records.parquet"], out, wanted, FEW)
    columns = pd.read_csv(out).columns
    assert "fastv" in columns and not any("fastvv" in column for column in columns)


def test_the_table_is_written(records, tmp_path):
    paths = [tmp_path / f"{model}.parquet" for model in ("tiny", "other")]
    for path in paths:
        records[records["model"] == path.stem].to_parquet(path, index=False)
    script("models_table").make(paths, tmp_path / "t.csv", ["fastv"], FEW)
    written = pd.read_csv(tmp_path / "t.csv")
    np.testing.assert_array_equal(
        written.columns,
        [
            "task",
            "model",
            *(f"{m}{e}" for m in ("unpruned", "fastv") for e in ("", " low", " high")),
        ],
    )
