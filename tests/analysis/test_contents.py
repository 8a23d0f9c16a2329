"""What figures show: numbers of their tables, in the right place, and headlines that fit them."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import synthetic
from helpers.scripts import script
from prunescope.figures import charts
from prunescope.method_names import label
from prunescope.statistics import reading
from prunescope.statistics.bootstrap import Bootstrap

FEW = Bootstrap(resamples=100)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return synthetic.write(tmp_path_factory.mktemp("study"), images=8)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_mean_kept_row_draws_the_numbers_of_its_table():
    module = script("mean_kept_row")
    table = module.position_bias(synthetic.scores(), [0.75], FEW)
    rows = table[table["measure"] == "mean_row"]
    panel = module.draw(rows).axes[0]
    drawn = {tuple(line.get_ydata()) for line in panel.lines}
    for variant in ("rope", "norope"):
        assert tuple(rows.loc[rows["variant"] == variant, "value"]) in drawn
    assert panel.get_ylim() == (1, 0)  # like the image


@pytest.mark.parametrize(
    ("name", "row", "words"),
    [
        ("box_recall", {"value": 0.1, "low": 0.05, "high": 0.2}, "fewer than chance (25%)"),
        ("box_recall", {"value": 0.4, "low": 0.3, "high": 0.5}, "more than chance"),
        ("box_recall", {"value": 0.26, "low": 0.2, "high": 0.3}, "about as many as chance"),
        ("mean_kept_row", {"value": 0.4, "low": 0.3, "high": 0.45}, "lie 0.10 above the middle"),
        ("mean_kept_row", {"value": 0.8, "low": 0.7, "high": 0.9}, "lie 0.30 below the middle"),
        ("mean_kept_row", {"value": 0.51, "low": 0.4, "high": 0.6}, "no clear distance from"),
    ],
)
def test_headlines_say_what_the_table_says(name, row, words):
    rows = pd.DataFrame([row, row]).assign(layer=[1, 2], variant="rope", kept_share=0.25)
    rows.loc[1, ["value", "low", "high"]] = 0.5  # a later layer does not count
    assert words in script(name).message(rows)


def test_headline_of_methods_names_the_largest_and_the_smallest_loss():
    headline = script("accuracy_by_method").headline
    methods = ["fastv-k1", "feather", "uniform-k1"]
    changes = pd.DataFrame({"method": methods, "value": [-64.2, 1.4, -5.0]})
    assert headline(changes) == (
        "Localization changes by \N{MINUS SIGN}64 points with FastV, K = 1, by +1 with FEATHER"
    )
    assert not headline(changes.iloc[:0])  # a study without localization


def test_maps_are_ratios_to_a_random_choice():
    module = script("retention_maps")
    maps = module.position.retention_maps(synthetic.scores(), [0.5, 0.75]).sel(remove=0.5)
    panel = next(panel for panel in module.draw(maps).axes if panel.images)
    kept = maps.sel(layer=1, variant="rope").values.ravel()
    expected = np.clip(np.log2(np.maximum(kept, 1e-9) / 0.5), -2, 2)
    np.testing.assert_allclose(panel.images[0].get_array().ravel(), expected)


def test_layers_of_maps_are_spread_from_the_first_to_the_last():
    module, layers = script("retention_maps"), np.arange(1, 33)
    shown = module.layers_shown(layers, ())
    assert len(shown) == module.MOST_LAYERS and (shown[0], shown[-1]) == (1, 32)
    assert module.layers_shown(layers, [3, 8, 40]) == [3, 8]


def test_only_clear_values_of_the_bias_map_are_written():
    part = pd.DataFrame({"remove": 0.5, "layer": [1, 2], "value": [0.4, 0.51]})
    part = part.assign(low=[0.3, 0.45], high=[0.45, 0.6])
    assert script("bias_map")._numbers(part).loc[0.5].tolist() == [".40", ""]


def test_scores_that_rise_downwards_rise_in_the_figure():
    module = script("score_decay")
    scores = np.exp(synthetic.scores(tilt=4.0)).sel(layer=[1])  # its logs are taken
    curves, slopes = module.decay_curve(scores, FEW), module.decay_slope(scores, FEW)
    rows = module.by_row(curves, slopes, synthetic.GRID[1])
    rows = rows[rows["variant"] == "rope"].sort_values("row")
    assert rows["fit"].is_monotonic_increasing
    slope = [np.polyfit(rows["row"], rows[column], 1)[0] for column in ("value", "fit")]
    assert slope[0] == pytest.approx(slope[1], rel=0.1)
    _, [[panel]] = module.theme.canvas(1, 1)
    shown = slopes[slopes["variant"] == "rope"]
    module._slopes(panel, shown, [1])
    [height] = panel.collections[-1].get_offsets()[:, 1]
    assert height == pytest.approx(-100 * shown["value"].iloc[0]) and height > 0


def test_replays_are_compared_with_what_they_replay():
    module = script("before_llm")
    methods = ["fastv-k1", "fastv-k1-before-llm-compact", "fastv-k1-before-llm"]
    layout = module.variations([*methods, "fastervlm-original", "fastervlm", "text-only"])
    assert layout["row"].tolist() == ["fastv-k1"] * 3 + ["fastervlm"] * 2 + ["text-only"]
    assert layout["place"].tolist() == [
        module.INSIDE, module.COMPACT, module.BEFORE, module.BEFORE, module.COMPACT, module.NOTHING,
    ]  # fmt: skip
    assert module.pairs(layout) == [
        ("fastv-k1-before-llm", "fastv-k1"),
        ("fastv-k1-before-llm-compact", "fastv-k1-before-llm"),
        ("fastervlm", "fastervlm-original"),
    ]


def test_differences_of_replays_are_in_the_table(tmp_path):
    records = synthetic.records(8).replace({"method": {"uniform": "fastv-before-llm"}})
    records.to_parquet(tmp_path / "records.parquet", index=False)
    files = {kind: tmp_path / f"x.{kind}" for kind in ("png", "svg", "pdf", "csv")}
    methods = ["fastv", "fastv-before-llm"]
    options = {"methods": methods, "bootstrap": FEW}
    script("before_llm").make([tmp_path / "records.parquet"], **files, **options)
    table = pd.read_csv(files["csv"]).set_index(["group", "method"])["value"]
    inside, before = (table["locate", method] for method in methods)
    change = table["localization", "fastv-before-llm - fastv"]
    assert change == pytest.approx(before - inside, abs=1e-5)


def test_methods_stand_by_what_they_spend(study, tmp_path, monkeypatch):
    module, drawn = script("accuracy_by_method"), []
    monkeypatch.setattr(module.theme, "save", lambda figure, *_: drawn.append(figure))
    files = dict.fromkeys(("png", "svg", "pdf")) | {"csv": tmp_path / "t.csv"}
    methods = ["feather", "fastv"]
    module.make(study["records"], **files, methods=methods, bootstrap=FEW)
    panel = drawn[0].axes[0]
    records = reading.read_records(study["records"], ["mean_tokens"])
    spent = records.groupby("method")["mean_tokens"].mean()
    rows = [text.get_text() for text in panel.get_yticklabels()]
    assert rows == [label(method) for method in sorted(methods, key=spent.get)]
    assert panel.get_title(loc="left") == "locate"  # localization first


def test_lines_of_a_sweep_have_a_row_for_each_layer():
    names = ["unpruned", "fastv-k1", "fastv-k1-r0.5", "fastv-k9", "feather", "fastv-k1-before-llm"]
    layers = ["", "1", "1", "9", "3, 6", "0"]
    table = pd.DataFrame({"method": names, "layers": layers, "group": "localization"})
    table = table.assign(value=0.5, low=0.4, high=0.6, share=0.3)
    families = ["fastv", "feather"]
    points = charts._points(table, families)
    assert points["method"].tolist() == names[1:5]  # a replay is no point of a sweep
    assert points["layer"].tolist() == ["1", "1", "9", ""]
    panels = charts.tradeoff(table, families, "share", "T/N").axes
    titles = [f"localization, one stage at K = {layer}" for layer in (1, 9)]
    assert [panel.get_title(loc="left") for panel in panels] == titles
