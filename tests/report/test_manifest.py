"""Facts on where the results of a report come from."""

import pandas as pd
import pytest

from helpers import synthetic
from prunescope.report.manifest import manifest, page_facts, sizes


@pytest.fixture
def study(tmp_path):
    return synthetic.write(tmp_path / "study", images=5)


def test_sizes_count_questions_images_and_methods(study):
    records = pd.concat(map(pd.read_parquet, study["records"]))
    expected = (
        "4 decoder layers, 6 by 6 visual tokens; 30 questions of 3 tasks on 5 images; 6 methods."
    )
    assert sizes(records, study["attention"]) == {"tiny": expected}


def test_facts_that_differ_between_stores_are_joined(tmp_path):
    stores = []
    for name, version in (("a", "1"), ("b", "2"), ("c", "1")):
        values = (
            synthetic.scores(2).to_dataset().assign_attrs(model="tiny", task=name, torch=version)
        )
        values.to_zarr(tmp_path / name, zarr_format=2)
        stores.append(tmp_path / name)
    assert manifest(stores) == {"tiny: torch": "1 and 2"}


def test_times_of_jobs_are_summed(tmp_path):
    (tmp_path / "evaluate").mkdir()
    for name in ("evaluate/a", "b"):
        (tmp_path / f"{name}.tsv").write_text("s\tcpu_time\n90\t30\n")
    expected = "2 jobs, 3.0 minutes in sum, 1.0 minutes of processor time"
    assert page_facts(tmp_path)["jobs"] == expected
    assert page_facts(tmp_path / "none")["jobs"] == "no times"


def test_a_folder_without_history_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert page_facts(tmp_path)["commit"] == "unknown: no git checkout"
