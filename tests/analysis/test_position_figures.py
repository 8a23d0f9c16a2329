"""Figures of where kept tokens lie in several models and orders: which number stands where."""

import numpy as np
import pandas as pd
import pytest

from helpers import synthetic
from helpers.scripts import script
from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import kept_centres, kept_masks

FEW = Bootstrap(resamples=100)
ORDERS = ("", "-reversed", "-transposed")


def files(folder):
    return {kind: folder / f"item.{kind}" for kind in ("png", "svg", "pdf", "csv")}


def ordered(images=8):
    """Records of fastv and the unpruned model in three orders; reversed keeps what the raster does
    at the other end of the image, transposed in the other row and column."""
    records = synthetic.records(images)
    records = records[records["method"].isin(["unpruned", "fastv"])]
    moved = {
        "": lambda kept: kept,
        "-reversed": lambda kept: np.sort(synthetic.N - 1 - kept),
        "-transposed": lambda kept: np.sort(kept % 6 * 6 + kept // 6),
    }
    parts = [
        records.assign(
            method=records["method"] + end,
            kept=records["kept"].map(
                lambda stages, move=move: [move(indices) for indices in stages]
            ),
        )
        for end, move in moved.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_masks_and_centres_are_those_of_the_last_stage():
    records = pd.DataFrame(
        {"method": "m", "image": ["a", "b", "c"], "kept": [[[0, 1], [5]], [[0, 3]], [[]]]}
    ).assign(task="t", example=["1", "2", "3"])
    masks = kept_masks(records, (2, 3))
    assert masks.values.reshape(3, 6).nonzero()[1].tolist() == [5, 0, 3]
    table = kept_centres(masks, FEW).set_index("measure")
    assert table.loc["mean_row", "value"] == pytest.approx((0.75 + 0.5) / 2)
    assert table.loc["mean_col", "value"] == pytest.approx((5 / 6 + 1 / 6) / 2)
    assert (table["examples"] == 2).all()  # the third keeps nothing


def test_methods_are_compared_by_example():
    kept = {"first": [[[0]], [[5]], [[4]]], "second": [[[1]], [[5]], [[]]]}
    records = pd.DataFrame(
        [
            {"method": method, "task": "t", "example": i, "image": i, "kept": stages}
            for method, stages_by_example in kept.items()
            for i, stages in enumerate(stages_by_example)
        ]
    )
    pairs = [("second", "first")]
    table = kept_centres(kept_masks(records, (2, 3)), FEW, pairs)
    table = table.set_index(["method", "measure"])["value"]
    first, second = (1 / 6 + 5 / 6 + 1 / 2) / 3, (1 / 2 + 5 / 6) / 2
    assert table["first", "mean_col"] == pytest.approx(first)
    assert table["second - first", "mean_col"] == pytest.approx(second - first)


def test_the_order_is_read_off_the_kept_tokens(tmp_path):
    study, records = synthetic.write(tmp_path, images=8), tmp_path / "ordered.parquet"
    ordered().to_parquet(records, index=False)
    options = {"methods": ["fastv", "pyramiddrop"], "bootstrap": FEW}
    out = files(tmp_path)
    script("scan_order").make([records], study["attention"], **out, **options)
    table = pd.read_csv(out["csv"]).set_index(["method", "measure"])["value"]
    rows, columns = (
        [table[f"fastv{end}", measure] for end in ORDERS] for measure in ("mean_row", "mean_col")
    )
    assert rows[1] == pytest.approx(1 - rows[0], abs=1e-5)
    assert [rows[2], columns[2]] == pytest.approx([columns[0], rows[0]], abs=1e-5)
    assert table["fastv-reversed - fastv", "mean_row"] == pytest.approx(rows[1] - rows[0], abs=1e-5)
    assert table["unpruned", "localization"] > table["fastv", "localization"]
    assert "transposed" in out["svg"].read_text()
    with pytest.raises(InputError, match=r"no records of \['feather'"):
        script("scan_order").make([records], study["attention"], **out, methods=["feather"])


def test_each_model_has_its_own_column(tmp_path):
    weak = synthetic.write_scores(tmp_path / "b.zarr", synthetic.scores(8, tilt=0.0), model="none")
    study = synthetic.write(tmp_path / "study", images=8)
    records = tmp_path / "both.parquet"
    both = [synthetic.records(8).assign(model=model) for model in ("tiny", "none")]
    pd.concat(both).to_parquet(records, index=False)
    out, titles = files(tmp_path), {"none": "no positions", "tiny": "RoPE"}
    stores = [*study["attention"], weak]
    script("position_encodings").make(stores, [records], **out, titles=titles, bootstrap=FEW)
    table = pd.read_csv(out["csv"]).set_index(["model", "measure", "layer", "variant"])["value"]
    assert table["tiny", "mean_row", 1, "rope"] > 0.6
    assert table["none", "mean_row", 1, "rope"] == pytest.approx(0.5, abs=0.1)
    assert table["none", "box_recall", 1, "rope"] == pytest.approx(0.25, abs=0.1)
    with pytest.raises(InputError, match=r"titles: .*'alibi'"):
        script("position_encodings").make(stores, [records], **out, titles={"alibi": ""})
    svg = out["svg"].read_text()
    assert svg.index("<!-- no positions -->") < svg.index("<!-- RoPE -->")
