"""The table of what methods keep after their last stage."""

import numpy as np
import pandas as pd
import pytest

from helpers import synthetic
from helpers.scripts import script
from prunescope.errors import InputError
from prunescope.report.cells import cells
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading import read_records


@pytest.fixture
def study(tmp_path):
    return synthetic.write(tmp_path / "study", images=8)


def made(study, folder):
    script("kept_by_method").make(**study, csv=folder / "t.csv", bootstrap=Bootstrap(resamples=100))
    return pd.read_csv(folder / "t.csv")


def test_every_method_that_removes_has_its_last_stage(study, tmp_path):
    table = made(study, tmp_path).set_index("method")
    assert set(table.index) == set(synthetic.METHODS) - {"unpruned"}
    assert table["stage"].to_dict() == {
        "fastv": 1, "fastv-norope": 1, "uniform": 1, "feather": 2, "pyramiddrop": 3,
    }  # fmt: skip
    records = read_records(study["records"], ["kept"])
    for method, rows in records[records["method"] != "unpruned"].groupby("method"):
        left = np.concatenate([stages[-1] for stages in rows["kept"]])
        height = (left // 6 + 0.5) / 6
        assert table.loc[method, "mean_row"] == pytest.approx(height.mean(), rel=1e-4)
        assert table.loc[method, "examples"] == len(rows)
    assert (table["mean_row low"] < table["mean_row"]).all()


def test_values_and_their_intervals_are_read_together(study, tmp_path):
    heads = cells(made(study, tmp_path)).heads
    assert "Share in the bottom quarter" in heads and not any("low" in head for head in heads)


def test_a_study_that_removes_nothing_has_no_such_table(study, tmp_path):
    records = synthetic.records(2)
    records[records["method"] == "unpruned"].to_parquet(tmp_path / "whole.parquet", index=False)
    with pytest.raises(InputError, match="no method removes tokens"):
        made(study | {"records": [tmp_path / "whole.parquet"]}, tmp_path)
