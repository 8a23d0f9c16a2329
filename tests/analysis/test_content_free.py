"""Figures and table of decoders over tokens without content, from synthetic scores."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from helpers import synthetic
from helpers.scripts import script
from prunescope.errors import InputError
from prunescope.statistics.bootstrap import Bootstrap

FEW = Bootstrap(resamples=100)
VARIANTS = ["rope", "norope", "rope-alone", "rope-equal"]
DRAWS, LAYERS, HEADS, SIDE = 6, 3, 2, 8


def store(folder, model, content, tilt):
    """A probe's store whose score with RoPE rises by `tilt` over the rows of the grid."""
    random = np.random.default_rng(len(content) + int(tilt))
    row = np.linspace(-0.5, 0.5, SIDE)
    tilts = np.array([tilt, 0, tilt, 3.0])
    noise = random.normal(0, 0.5, (DRAWS, LAYERS, 4, SIDE, SIDE))
    scores = np.exp(tilts[:, None, None] * row[:, None] + noise).astype(np.float32)
    logs = tilts[:3, None, None] * row + random.normal(0, 0.1, (DRAWS, LAYERS, 3, HEADS, SIDE))
    coords = {
        "example": np.array([f"{content}-{i}" for i in range(DRAWS)], object),
        "image": ("example", np.array([f"draw-{i}" for i in range(DRAWS)], object)),
        "layer": np.arange(1, LAYERS + 1),
        "variant": np.array(VARIANTS, object),
        "head_variant": np.array(VARIANTS[:3], object),
    }
    variables = {
        "score": (("example", "layer", "variant", "row", "col"), scores),
        "log_by_row": (("example", "layer", "head_variant", "head", "row"), logs),
    }
    path = folder / f"{model}-{content}.zarr"
    data = xr.Dataset(variables, coords, {"model": model, "task": content})
    data.to_zarr(path, zarr_format=2)
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probes")
    stores = [
        store(folder, model, content, tilt)
        for model, tilt in (("read", 4.0), ("read-untrained", 0.0))
        for content in ("words", "constant")
    ]
    attention = synthetic.write(folder, images=8)["attention"]
    return {"probes": stores, "every_attention": attention}


def files(folder):
    return {kind: folder / f"item.{kind}" for kind in ("png", "svg", "pdf", "csv")}


def test_the_figure_tells_who_prefers_the_end(results, tmp_path):
    out, module = files(tmp_path), script("content_free")
    module.make(**results, **out, bootstrap=FEW)
    assert out["png"].read_bytes().startswith(b"\x89PNG")
    table = pd.read_csv(out["csv"])
    assert set(table["content"]) == {"words", "constant", "images"}
    found = table.set_index(["model", "content", "layer", "variant", "measure"])["value"]
    below = f"{found['read', 'words', 3, 'rope', 'mean_row'] - 0.5:.2f} below the middle (first)"
    headline = module.message(table, {"read": "first", "read-untrained": "second"}, 3)
    assert headline.endswith(f"{below}, at no clear distance from the middle (second)")
    assert found["read", "words", 1, "rope", "last"] > 0.6
    assert found["read-untrained", "words", 1, "rope", "last"] < 0.4


def test_models_are_shown_in_the_order_of_the_titles(results, tmp_path):
    out = files(tmp_path)
    script("content_free").make(**results, **out, titles={"read-untrained": "U"}, bootstrap=FEW)
    assert out["svg"].stat().st_size


def test_heads_are_shown_by_layer(results, tmp_path):
    out, module = files(tmp_path), script("content_free_heads")
    module.make(results["probes"], **out, bootstrap=FEW)
    table = pd.read_csv(out["csv"])
    assert len(table) == 2 * LAYERS * 3 * HEADS
    read = table[(table["model"] == "read") & (table["variant"] == "rope")]
    assert read["value"].between(3.5, 4.5).all()
    with pytest.raises(InputError, match="titles"):
        module.make(results["probes"], **out, titles={"none": "none"}, bootstrap=FEW)


def test_stores_of_images_have_no_heads(results, tmp_path):
    with pytest.raises(InputError, match="has no log_by_row"):
        script("content_free_heads").make(results["every_attention"], **files(tmp_path))


def test_the_table_has_a_row_for_each_decoder_content_and_layer(results, tmp_path):
    csv = tmp_path / "table.csv"
    script("content_free_table").make(**results, csv=csv, layers=[1, 3], bootstrap=FEW)
    table = pd.read_csv(csv)
    assert len(table) == (2 * 2 + 1) * 2
    read = table[(table["model"] == "read") & (table["content"] == "words")].iloc[0]
    assert read["position, with RoPE low"] > 0.6 > read["position, without RoPE"]
    assert read["explained, RoPE alone"] > 0.8
    images = table[table["content"] == "images"]
    assert images["explained, equal vectors"].isna().all()


def test_the_table_of_explanations_needs_both_sets_of_weights(results, tmp_path):
    csv, module = tmp_path / "table.csv", script("explanations_table")
    module.make(results["probes"], csv, layers=[1, 3], bootstrap=FEW)
    table = pd.read_csv(csv)
    assert set(table["decoder"]) == {"read"}
    assert set(table["K"]) == {1, 3}
    verdicts = table.set_index("explanation")["verdict"].to_dict()
    [alone] = [verdict for name, verdict in verdicts.items() if name.startswith("RoPE alone")]
    assert alone == "does not hold"  # the untrained decoder prefers no end
    with pytest.raises(InputError, match=r"untrained: true"):
        module.make(results["probes"][:2], csv, bootstrap=FEW)


def test_the_course_tells_which_layers_are_biased_before_and_after(tmp_path):
    rows = [
        dict(images=images, layer=layer, variant="rope", measure="mean_row", value=value)
        | dict(low=value - 0.01, high=value + 0.01, examples=8)
        for images, values in ((0, (0.8, 0.7)), (40, (0.8, 0.54)))
        for layer, value in zip((2, 3), values, strict=True)
    ]
    course, out = tmp_path / "bias_course.csv", files(tmp_path)
    pd.DataFrame(rows).to_csv(course, index=False)
    module = script("bias_course")
    module.make([course], **out)
    assert out["png"].read_bytes().startswith(b"\x89PNG")
    text = module.message(pd.DataFrame(rows), 0.05)
    assert text == "Kept tokens lie low at K = 2, 3 before training on images, at K = 2 after"
    with pytest.raises(InputError, match="expected one model with a course, got"):
        module.make([], **out)
