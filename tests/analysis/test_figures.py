"""Every figure and table, made from synthetic results."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import synthetic
from helpers.scripts import script
from prunescope.budgets.matching import COLUMNS
from prunescope.errors import InputError
from prunescope.figures import theme
from prunescope.statistics import reading
from prunescope.statistics.accuracy import by_method, estimates
from prunescope.statistics.bootstrap import Bootstrap

FEW = Bootstrap(resamples=100)
OPTIONS = {
    "before_llm": {"methods": ["fastv", "uniform"]},
    "bounds": {"methods": ["fastv", "uniform"]},
    "grid_offsets": {"methods": ["uniform"]},
    "kept_positions": {"methods": ["fastv", "feather"]},
    "score_variants": {"methods": ["fastv", "fastv-norope"]},
    "union_or_score": {"lines": [[["fastv"], ["fastv-norope"]], [["uniform"]]]},
    "accuracy_by_layer": {"layers": [1, 2]},
    "stage_pairs": {"firsts": [1, 2], "seconds": [2, 3]},
    "stage_removal": {"firsts": [0.5], "seconds": [0.7, 0.9]},
    "score_decay": {"layers": [1, 2]},
}
# what sweeps call the methods of synthetic.py
NAMES = {"fastv": "fastv-k1", "uniform": "pair-k1+2-t0.42", "feather": "feather-r0.5+0.7"}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    records = synthetic.records(8).replace({"method": NAMES})
    records.to_parquet(folder / "swept.parquet", index=False)
    return synthetic.write(folder, images=8) | {"swept": [folder / "swept.parquet"]}


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("before_llm", ["records"]),
        ("bounds", ["records"]),
        ("grid_offsets", ["records"]),
        ("kept_positions", ["records"]),
        ("score_variants", ["records"]),
        ("union_or_score", ["records"]),
        ("accuracy_by_layer", ["swept"]),
        ("stage_pairs", ["swept"]),
        ("stage_removal", ["swept"]),
        ("position_statistics", ["attention"]),
        ("score_decay", ["attention"]),
        ("retention_maps", ["attention"]),
        ("mean_kept_row", ["attention"]),
        ("bias_map", ["attention"]),
        ("box_recall", ["records", "attention"]),
        ("accuracy_by_method", ["records"]),
        ("accuracy_vs_budget", ["records"]),
        ("vertical_position", ["records", "attention"]),
    ],
)
def test_figure_and_its_table_are_written(name, inputs, study, tmp_path):
    files = {kind: tmp_path / f"{name}.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    module = script(name)
    options = {"bootstrap": FEW} if name != "retention_maps" else {}
    options |= OPTIONS.get(name, {})
    stored = {"records" if key == "swept" else key: study[key] for key in inputs}
    module.make(**stored, **files, **options)
    assert files["png"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in files["svg"].read_text()
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    assert len(pd.read_csv(files["csv"]))
    assert not plt.get_fignums()
    assert module.__doc__.count("\n\n") == 1  # a title, then how to read it


@pytest.mark.parametrize(
    "name", ["criteria_table", "budgets_table", "positions_table", "selected_only_table"]
)
def test_table_has_a_row_for_each_method_and_its_realised_tokens(name, study, tmp_path):
    wanted = ["feather", "unpruned", "fastv"]
    script(name).make(study["records"], tmp_path / "t.csv", wanted, FEW)
    table = pd.read_csv(tmp_path / "t.csv").set_index("method")
    assert list(table.index) == wanted
    assert table.loc["unpruned", "share"] == 1 > table.loc["fastv", "share"]
    assert (table["localization"] == table["locate"]).all()  # the only task with boxes
    np.testing.assert_allclose(table["other tasks"], (table["color"] + table["count"]) / 2, 1e-5)
    assert (table["color low"] <= table["color high"]).all()


@pytest.fixture
def matched(tmp_path):
    """What `methods` writes of methods that are matched, one of them out of reach."""
    rows = [
        {"method": "fastv", "budget_of": "feather", "target": 0.4, "calibrated": 0.41},
        {"method": "uniform", "budget_of": "feather", "target": 0.4, "note": "cannot"},
        {"method": "pyramiddrop", "target": 0.5, "calibrated": 0.5},
    ]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / "matched.csv", index=False)
    return [tmp_path / "matched.csv"]


def test_matched_methods_stand_behind_the_one_whose_budget_they_have(study, matched, tmp_path):
    script("matched_budgets").make(study["records"], matched, tmp_path / "t.csv", FEW)
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["method"].tolist() == ["feather", "fastv", "uniform", "pyramiddrop"]
    assert table["budget"].tolist() == [*["FEATHER"] * 3, "T/N = 0.5"]
    table = table.set_index("method")
    assert table["locate"].isna().tolist() == [False, False, True, False]
    assert table.loc["uniform", "note"] == "cannot"
    records = reading.read_records(study["records"], ["mean_tokens"])
    spent = records.groupby("method")["mean_tokens"].mean() / synthetic.N
    assert table.loc["fastv", "share"] == pytest.approx(spent["fastv"], rel=1e-4)


def test_matched_methods_are_compared_with_the_one_whose_budget_they_have(study, matched, tmp_path):
    script("matched_differences").make(study["records"], matched, tmp_path / "t.csv", FEW)
    table = pd.read_csv(tmp_path / "t.csv")
    pairs = table[["method", "reference"]].drop_duplicates().to_numpy().tolist()
    assert pairs == [["feather", "fastv"]]
    assert (table["share"] != table["reference share"]).all()


def test_study_whose_budgets_cannot_be_had_has_no_tables_of_them(study, tmp_path):
    out = {"csv": tmp_path / "t.csv", "bootstrap": FEW}
    noted = [{"method": "fastv", "budget_of": "feather", "note": "cannot"}]
    for name, rows in (("none", []), ("noted", noted)):
        pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / f"{name}.csv", index=False)
        with pytest.raises(InputError, match=rf"{name}\.csv: no method .* could be matched"):
            script("matched_differences").make(study["records"], [tmp_path / f"{name}.csv"], **out)
    with pytest.raises(InputError, match=r"none\.csv: no method .* could be matched"):
        script("matched_budgets").make(study["records"], [tmp_path / "none.csv"], **out)
    script("matched_budgets").make(study["records"], [tmp_path / "noted.csv"], **out)
    assert pd.read_csv(out["csv"])["note"].tolist()[1:] == ["cannot"]  # behind what it is to match


@pytest.mark.parametrize("name", ["before_llm", "accuracy_by_method", "vertical_position"])
def test_figure_goes_without_a_method_that_has_no_records(name, study, tmp_path, caplog):
    stored = {"records": study["records"]}
    if name == "vertical_position":
        stored["attention"] = study["attention"]
    files = {kind: tmp_path / f"item.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    script(name).make(**stored, **files, methods=["fastv", "fastv-t0.01"], bootstrap=FEW)
    assert "no records of ['fastv-t0.01']" in caplog.text
    svg = files["svg"].read_text()  # its texts are paths, with the text as a comment
    assert "<!-- FastV -->" in svg and "T/N = 0.01" not in svg
    with pytest.raises(InputError, match=r"no records of \['fastw'\]"):
        script(name).make(**stored, **files, methods=["fastw"], bootstrap=FEW)


@pytest.mark.parametrize("name", ["stage_pairs", "stage_removal"])
def test_maps_whose_pairs_all_lack_records_are_refused(name, study, tmp_path):
    files = {kind: tmp_path / f"item.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    with pytest.raises(InputError, match=r"no records of \['.*3\+4.*there are \['fastv'"):
        script(name).make(study["records"], **files, firsts=[3], seconds=[4], bootstrap=FEW)


@pytest.mark.parametrize("name", ["vertical_position", "examples", "accuracy_by_method"])
def test_figure_of_pruning_needs_a_method_that_prunes(name, study, tmp_path):
    whole = synthetic.records(8).query("method == 'unpruned'")
    whole.to_parquet(tmp_path / "whole.parquet", index=False)
    files = {kind: tmp_path / f"item.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    more = {"examples": {"cards": []}}.get(name, {"bootstrap": FEW})
    if name != "accuracy_by_method":
        more["attention"] = study["attention"]
    with pytest.raises(InputError, match=r"methods: none to show; there are \['unpruned'\]"):
        script(name).make([tmp_path / "whole.parquet"], **files, **more)


def test_table_of_unknown_methods_is_refused(study, tmp_path):
    with pytest.raises(InputError, match=r"no records of \['fastw'\]"):
        script("criteria_table").make(study["records"], tmp_path / "t.csv", ["fastw"], FEW)


def test_pairs_without_records_are_left_out(study, tmp_path, caplog):
    pairs = [["feather", "fastv"], ["feather", "fastv-as-feather"]]
    script("differences").make(study["records"], tmp_path / "t.csv", pairs, FEW)
    table = pd.read_csv(tmp_path / "t.csv")
    assert table.loc[table["reference"] != "unpruned", "reference"].unique().tolist() == ["fastv"]
    assert "no records of ['fastv-as-feather']" in caplog.text


def test_same_data_same_bytes(study, tmp_path):
    for name in ("a.svg", "b.svg"):
        other = {kind: tmp_path / f"{name}.{kind}" for kind in ("png", "pdf", "csv")}
        script("retention_maps").make(study["attention"], svg=tmp_path / name, **other)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_table_of_methods_has_every_method_and_its_operations(study, tmp_path):
    methods = list(synthetic.METHODS)
    counted = tmp_path / "operations.parquet"
    pd.DataFrame({"method": methods, "prefill_flops": range(len(methods))}).to_parquet(counted)
    script("methods_table").make(study["records"], [counted], tmp_path / "t.csv", FEW)
    table = pd.read_csv(tmp_path / "t.csv").set_index("method")
    assert table["prefill_flops"].to_dict() == {m: i for i, m in enumerate(methods)}
    assert table.loc["unpruned", "share"] == 1
    assert table.loc["feather", "stages"] == "K=1: 13; K=2: 4"
    boxes = reading.read_records(study["records"], ["iou"]).query("task == 'locate'")
    mean = boxes.fillna({"iou": 0.0}).groupby("method")["iou"].mean()
    assert table["mean IoU"].to_dict() == pytest.approx(mean.to_dict(), abs=1e-6)
    assert (table["mean IoU low"] <= table["mean IoU"]).all()
    records = reading.read_records(study["records"], ["invalid"])
    # as accuracies have it, over the answers of all tasks
    pooled = by_method(records.assign(tasks="all"), "invalid", stratum="tasks")
    expected = estimates(pooled, None, FEW).set_index("method").loc["fastv"]
    row = table.loc["fastv", ["invalid", "invalid low", "invalid high"]].tolist()
    assert row == pytest.approx(expected[["value", "low", "high"]].tolist(), rel=1e-4)
    fastv = records.query("method == 'fastv'")["invalid"]
    assert row[0] == pytest.approx(fastv.mean(), rel=1e-4) and 0 < row[1] < row[0] < row[2]


def timed(path, **columns):
    """Times of the methods of synthetic.py, as `timing` stores them; later methods are faster."""
    module, methods = script("timing_table"), list(synthetic.METHODS)
    times = {f"{time}{end}": 8.0 for time in module.TIMES for end in module.ENDS}
    setting = {"device": "cpu", "dtype": "float32", "attn": "sdpa", "batch_size": 4}
    names = {"model": "tiny", "method": methods, "peak_bytes": 2**21}
    table = pd.DataFrame(names | times | setting)
    table["answer_ms"] -= range(len(methods))
    table.assign(**columns).to_parquet(path)
    return path


def counted(path, **columns):
    """Operations of the methods of synthetic.py, as `operations` stores them."""
    names = ["visual_tokens", "mean_tokens", "kept_share", "kv_bytes", "prefill_flops"]
    table = pd.DataFrame({"model": "tiny", "method": list(synthetic.METHODS), "counted_gap": 0.0})
    table.assign(**dict.fromkeys(names, 2.0**20) | columns).to_parquet(path)
    return path


def test_table_of_costs_has_every_model_and_method(tmp_path):
    paths = [counted(tmp_path / "a"), counted(tmp_path / "b", model="other", kv_bytes=2**21)]
    script("cost_table").make(paths, tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv").set_index(["model", "method"])
    assert len(table) == 2 * len(synthetic.METHODS) and table.index.is_unique
    assert (table.loc["tiny", "kv_mib"] == 1).all() and (table.loc["other", "kv_mib"] == 2).all()


def test_table_of_times_has_every_model_and_method(tmp_path):
    paths = [timed(tmp_path / "a"), timed(tmp_path / "b", model="other")]
    script("timing_table").make(paths, tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv").set_index(["model", "method"])
    assert len(table) == 2 * len(synthetic.METHODS) and table.index.is_unique
    assert (table["answer_ms_q75"] == 8).all() and (table["peak_mib"] == 2).all()
    assert table["unsteady"].isna().all()


def test_times_that_scatter_are_named_in_their_table(tmp_path):
    times = {"prefill_ms_q75": 17.0, "decode_ms_q75": 16.0, "answer_ms_q25": 3.0}
    script("timing_table").make([timed(tmp_path / "a", **times)], tmp_path / "t.csv")
    assert (pd.read_csv(tmp_path / "t.csv")["unsteady"] == "prefill_ms, answer_ms").all()


def test_time_of_a_question_is_that_of_its_share_of_the_batch(study, tmp_path):
    files = {kind: tmp_path / f"time.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    script("accuracy_vs_time").make(
        study["records"], [timed(tmp_path / "timing.parquet")], **files, bootstrap=FEW
    )
    table = pd.read_csv(files["csv"]).set_index(["group", "method"])
    assert table.loc[("localization", "unpruned"), "ms"] == 8 / 4
    assert table.loc[("other tasks", "fastv-norope"), "ms"] == (8 - 2) / 4
    assert "ms (cpu, batch of 4)" in files["svg"].read_text()


def test_saved_is_what_the_unpruned_model_spends_less_the_method():
    module = script("promised_and_measured")
    cost = {"method": ["unpruned", "fastv"], "kept_share": [1, 0.25], "prefill_flops": [8, 4]}
    times = {"prefill_ms": [100, 60], "prefill_ms_q25": [90, 50], "prefill_ms_q75": [110, 70]}
    table = module.savings(pd.DataFrame(cost | times).assign(device="cpu", batch_size=8))
    row = table.set_index("method").loc["fastv"]
    assert (row["kept_share"], row["prefill_flops"]) == (0.75, 0.5)
    np.testing.assert_allclose(row[["low", "value", "high"]].astype(float), [0.3, 0.4, 0.5])
    assert len(module.draw(table).axes) == 2
    plt.close("all")


def test_methods_that_have_a_color_are_in_the_legend():
    module, methods = script("promised_and_measured"), list(theme.LOOKS)
    cost = {"method": methods, "kept_share": 0.5, "prefill_flops": 4, "device": "cpu"}
    times = {"prefill_ms": 60, "prefill_ms_q25": 50, "prefill_ms_q75": 70, "batch_size": 8}
    [legend] = module.draw(module.savings(pd.DataFrame(cost | times))).legends
    named = {text.get_text() for text in legend.get_texts()}
    assert {"FastV", "FEATHER", "Random"} <= named
    assert len(named) == theme.MOST_COLORS + 1  # random choices are grey
    plt.close("all")


def test_savings_need_the_unpruned_model(tmp_path):
    pd.DataFrame({"method": ["fastv"]}).to_parquet(tmp_path / "timing.parquet")
    with pytest.raises(InputError, match="expected one row for each method"):
        script("promised_and_measured").make([tmp_path / "timing.parquet"], *[tmp_path / "x"] * 5)


def test_pairs_of_layers_stand_where_they_belong(study, tmp_path):
    files = {kind: tmp_path / f"x.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    script("stage_pairs").make(study["swept"], **files, firsts=[1], seconds=[2], bootstrap=FEW)
    table = pd.read_csv(files["csv"])
    assert set(zip(table["first"], table["second"], strict=True)) == {(1, 2)}
