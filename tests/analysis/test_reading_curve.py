"""Figure and tables of the reading curve: numbers of the records, places of layers, headlines."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers.curve_records import DEPTH, records
from helpers.scripts import script
from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading_curve import Curve

FEW = Bootstrap(resamples=100)
KINDS = ("png", "svg", "pdf", "csv")
# localization is read by K = 8.4, of 12; the share of other tasks is 0, .4, .8, 1, 1
RIGHT = {
    "locate": (10, 10, 50, 90, 90),
    "color": (20, 60, 100, 100, 100),
    "count": (40, 40, 40, 60, 60),
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def stored(tmp_path):
    records(RIGHT).to_parquet(tmp_path / "records.parquet", index=False)
    return [tmp_path / "records.parquet"]


def drawn(right, paper_layers=(3, 8, 16, 24)):
    curve = Curve.of(records(right))
    table, reading = curve.accuracies(FEW), curve.reading(FEW, paper_layers)
    return script("reading_curve").draw(table, reading, paper_layers), table


def test_figure_and_tables_are_written(stored, tmp_path):
    files = {kind: tmp_path / f"item.{kind}" for kind in KINDS}
    script("reading_curve").make(stored, **files, bootstrap=FEW)
    assert files["png"].read_bytes().startswith(b"\x89PNG") and "<svg" in files["svg"].read_text()
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    table = pd.read_csv(files["csv"])
    assert len(table) == 5 * 5  # groups and tasks, layers
    script("reading_curve_table").make(stored, tmp_path / "wide.csv", FEW)
    wide = pd.read_csv(tmp_path / "wide.csv")
    assert wide["layer"].tolist() == [0, 3, 6, 9, DEPTH]
    assert wide["color"].tolist() == pytest.approx([0.2, 0.6, 1, 1, 1])
    script("reading_layers").make(stored, tmp_path / "layers.csv", [16], FEW)
    layers = pd.read_csv(tmp_path / "layers.csv").set_index("group")
    assert layers.loc["locate", "half"] == pytest.approx(6)
    assert layers.loc["localization", "K = 16 of 32"] == 9
    assert not [name for name in layers if name.startswith("K = 3")]


def test_every_task_has_a_panel_with_the_numbers_of_the_table():
    figure, table = drawn(RIGHT)
    panels = {panel.get_title(loc="left"): panel for panel in figure.axes}
    assert {*RIGHT, "share read"} <= panels.keys()
    for task in RIGHT:
        lines = [list(line.get_ydata()) for line in panels[task].lines]
        assert table.loc[table["group"] == task, "value"].tolist() in lines
        ends = table.loc[table["group"] == task, "value"].iloc[[0, -1]]
        assert all([end, end] in lines for end in ends)
    shares = [list(line.get_ydata()) for line in panels["share read"].lines]
    for group in ("localization", "other tasks"):
        assert table.loc[table["group"] == group, "read"].tolist() in shares


def test_upper_axis_has_the_papers_layers_where_localization_is_as_far():
    figure, _ = drawn(RIGHT, [8, 16])
    [upper] = [axis for panel in figure.axes for axis in panel.child_axes]
    assert upper.get_xticks().tolist() == [5, 9]
    assert [text.get_text() for text in upper.get_xticklabels()] == ["8", "16"]
    figure, _ = drawn({"color": RIGHT["color"]})
    assert not any(panel.child_axes for panel in figure.axes)


def test_headline_names_the_layers_of_the_table():
    figure, _ = drawn(RIGHT)
    headline = " ".join(figure.get_suptitle().split())
    assert headline.endswith("of 12: to localization by 6.0 and 8.4, to other tasks by 3.8 and 7.5")
    figure, _ = drawn({"color": (50, 50, 50, 50, 50)})
    assert "adds to no group of tasks more than noise" in figure.get_suptitle()


@pytest.mark.parametrize("name", ["reading_curve", "reading_curve_table", "reading_layers"])
def test_records_without_a_curve_are_refused(name, stored, tmp_path):
    table = pd.read_parquet(stored[0])
    table[table["method"] == "unpruned"].to_parquet(stored[0])
    files = {
        kind: tmp_path / f"item.{kind}" for kind in (KINDS if name == "reading_curve" else ["csv"])
    }
    with pytest.raises(
        InputError, match=r"reading curve: needs .* the records have \['unpruned'\]"
    ):
        script(name).make(stored, **files)


def test_points_of_a_curve_are_not_among_the_methods_of_other_tables(stored, tmp_path):
    methods = pd.read_parquet(stored[0])["method"].unique()
    script("differences").make(stored, tmp_path / "d.csv", (), FEW)
    assert pd.read_csv(tmp_path / "d.csv")["method"].unique().tolist() == ["text-only"]
    counted = tmp_path / "operations.parquet"
    pd.DataFrame({"method": methods, "prefill_flops": 1}).to_parquet(counted)
    script("methods_table").make(stored, [counted], tmp_path / "m.csv", FEW)
    assert pd.read_csv(tmp_path / "m.csv")["method"].tolist() == ["text-only", "unpruned"]
