"""Times of a machine that was busy are refused."""

import pandas as pd
import pytest

from prunescope.errors import InputError
from prunescope.statistics.timing import read_timing


def write(folder, low, median, high, methods=("unpruned", "fastv")):
    times = {"answer_ms_q25": low, "answer_ms": median, "answer_ms_q75": high}
    path = folder / "timing.parquet"
    pd.DataFrame({"method": methods} | times).to_parquet(path)
    return [path]


def test_times_of_a_quiet_machine_are_read(tmp_path):
    table = read_timing(write(tmp_path, 93.0, 100.0, 108.0), "answer_ms")
    assert list(table["method"]) == ["unpruned", "fastv"]


def test_times_of_a_busy_machine_are_refused(tmp_path):
    message = r"not quiet: answer_ms .* median 100\.0 ms .* 93\.0 and 108\.1 ms, .*15%.*--forcerun"
    with pytest.raises(InputError, match=message):
        read_timing(write(tmp_path, 93.0, 100.0, 108.1), "answer_ms")


def test_times_of_a_method_that_scatter_are_refused(tmp_path):
    low, high = [95.0, 20.0], [105.0, 40.1]
    assert len(read_timing(write(tmp_path, low, 100.0, [105.0, 40.0]), "answer_ms")) == 2
    message = r"answer_ms of 1 methods .* factor of 2, such as 'fastv' with 20\.0 and 40\.1 ms"
    with pytest.raises(InputError, match=message):
        read_timing(write(tmp_path, low, 100.0, high), "answer_ms")


@pytest.mark.parametrize("methods", [["fastv"], ["unpruned", "unpruned"]])
def test_every_method_comes_once_and_the_unpruned_model_is_one(tmp_path, methods):
    with pytest.raises(InputError, match="expected one row for each method of one model"):
        read_timing(write(tmp_path, 1.0, 1.0, 1.0, methods), "answer_ms")
