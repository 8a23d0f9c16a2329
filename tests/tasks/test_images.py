"""Images as they are stored, and the pixels that a model gets."""

import io

import numpy as np
import pytest
import torch
from datasets import Dataset, Features
from PIL import Image

from helpers.testbed_model import build_processor
from helpers.tiny_benchmarks import TEST, parquet, picture, read, write_all
from prunescope.errors import InputError
from prunescope.tasks import prompts
from prunescope.tasks.examples import load_examples
from prunescope.tasks.sources import images

pytestmark = pytest.mark.usefixtures("offline")
GREY = np.array([[0, 128, 255]], np.uint8)
COLOURS = np.array([[[200, 30, 10], [0, 255, 0], [7, 8, 9]]], np.uint8)


def stored(image, kind="png", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return {"bytes": data.getvalue(), "path": None}


def turned():
    """An image of 40 x 30 pixels whose EXIF data ask to show it as 30 x 40."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return stored(picture(0), "jpeg", exif=exif)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(GREY), GREY[..., None].repeat(3, 2)),
        (Image.fromarray(GREY.astype(np.uint16) * 257), GREY[..., None].repeat(3, 2)),
        (Image.fromarray(COLOURS), COLOURS),
        (Image.fromarray(np.dstack([COLOURS, GREY])), COLOURS),  # clear ones keep their colour
        (Image.fromarray(COLOURS).quantize(3), COLOURS),
    ],
    ids=["grey", "grey of 16 bits", "RGB", "RGBA", "palette"],
)
def test_all_kinds_of_pixels_become_rgb(image, expected):
    assert np.array_equal(images.to_rgb(stored(image)), expected)


def test_16_bits_that_another_format_stores_become_rgb():
    tiff = stored(Image.fromarray(GREY.astype(np.int32) * 257), "tiff")
    assert np.array_equal(images.to_rgb(tiff), GREY[..., None].repeat(3, 2))


def test_inks_become_rgb():
    inks = Image.fromarray(COLOURS.repeat(8, 0).repeat(8, 1)).convert("CMYK")
    seen = np.asarray(images.to_rgb(stored(inks, "jpeg", quality=100)), int)
    assert np.abs(seen[4, 4::8] - COLOURS[0]).max() < 20


@pytest.fixture
def access(tmp_path):
    """Access to benchmarks in which the first image of RefCOCO and of AI2D is a turned one."""
    access = write_all(tmp_path)
    first = tmp_path / "downloads" / "coco" / "train2014" / f"{0:012}.jpg"
    first.write_bytes(turned()["bytes"])
    rows, features = parquet()["lmms-lab/ai2d"][TEST]
    rows[0]["image"] = turned()
    Dataset.from_list(rows, Features(features)).to_parquet(tmp_path / "lmms-lab" / "ai2d" / TEST)
    return access


@pytest.mark.parametrize("name", ["refcoco", "ai2d"])
def test_exif_does_not_turn_an_image_away_from_its_box(access, name):
    task = read(name, access, chat=False, prompt="<image> {question}")
    examples = load_examples(task).select([0])
    raw = Image.open(io.BytesIO(turned()["bytes"]))
    assert np.array_equal(prompts.pictures(examples)[0], raw)
    assert prompts.sizes(examples, {}, None) == [(40, 30)]
    processor = build_processor()
    seen = prompts.prompts(examples, task, processor)["pixel_values"]
    assert torch.equal(seen, processor.image_processor(raw, return_tensors="pt")["pixel_values"])
    assert examples["box"][0] == pytest.approx([0.1, 0.2, 0.25, 0.4] if name == "refcoco" else [])


@pytest.mark.parametrize("name", ["refcoco", "ai2d"])
def test_images_are_unpacked_once_while_they_stay_the_same(access, tmp_path, monkeypatch, name):
    access |= {"unreadable": 0.5}
    examples, look, looked = load_examples(read(name, access)), images.inspect_image, []
    monkeypatch.setattr(images, "inspect_image", lambda *args, **options: looked.append(args))
    assert load_examples(read(name, access))["image_id"][:] == examples["image_id"][:]
    assert not looked
    monkeypatch.setattr(images, "inspect_image", look)
    with pytest.raises(InputError, match="pixels are too many"):
        load_examples(read(name, access | {"pixels": 1000, "unreadable": 0}))
    if name == "refcoco":
        (tmp_path / "downloads" / "coco" / "train2014" / f"{0:012}.jpg").write_bytes(b"")
        assert len(load_examples(read(name, access))) == len(examples) - 2
