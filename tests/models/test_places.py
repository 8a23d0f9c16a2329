"""Which square of an image each visual token and its features come from."""

from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.families import gemma3, paligemma, qwen2_5_vl, qwen2_vl, qwen3_vl
from prunescope.errors import InputError
from prunescope.models import family_of

# The grid of an image that the processor does not resize, and the pixels of a token's side.
IMAGES = [
    (qwen2_vl.CASE, (3, 5), 8),
    (qwen2_5_vl.CASE, (3, 5), 8),
    (qwen2_5_vl.CASE, (4, 2), 8),
    (qwen3_vl.CASE, (5, 3), 8),
    (gemma3.CASE, (4, 4), 8),
    (paligemma.CASE, (5, 5), 4),
]
CASES = [module.CASE for module in (qwen2_vl, qwen2_5_vl, qwen3_vl, gemma3, paligemma)]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
build = cache(lambda case: case.build("sdpa"))


def process(case, *images):
    """What the processor makes of the case's first prompt with each of the images."""
    texts, images = [case.prompts[0].text] * len(images), [[image] for image in images]
    return dict(case.processor()(text=texts, images=images, return_tensors="pt"))


@torch.inference_mode()
def see(case, inputs):
    """Visual tokens as the decoder gets them, and their features, (tokens of the batch, dim)."""
    model, seen = build(case), []
    family = family_of(model)
    names = ("pixel_values", "image_grid_thw")
    with family.projector(model).register_forward_pre_hook(lambda _, args: seen.append(args[0])):
        made = model.get_image_features(**{name: inputs[name] for name in names if name in inputs})
    tokens = torch.cat([image.flatten(0, -2) for image in made.pooler_output])
    return tokens, family.features(model, seen[0], inputs)


@pytest.mark.parametrize(("case", "grid", "side"), IMAGES)
def test_a_square_of_the_image_changes_its_token_most(case, grid, side):
    rows, columns = grid
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (rows * side, columns * side, 3), dtype=np.uint8)
    images = [pixels.copy() for _ in range(1 + rows * columns)]
    for token, image in enumerate(images[1:]):
        top, left = side * (token // columns), side * (token % columns)
        image[top : top + side, left : left + side] ^= 255
    inputs = process(case, *map(Image.fromarray, images))
    layout = family_of(build(case)).layout(build(case), inputs)
    assert layout.grids == ((grid,),) * len(images)
    places = layout.places[0, :, 0] * columns + layout.places[0, :, 1]
    assert places.tolist() == list(range(rows * columns))
    for values in see(case, inputs):
        before, *after = values.split(rows * columns)
        changed = [(features - before).norm(dim=-1).argmax() for features in after]
        assert changed == places.tolist()


@each_case
def test_prompts_without_their_images(case):
    model, inputs = build(case), case.inputs(0)
    for name in ("pixel_values", "image_grid_thw"):
        inputs.pop(name, None)
    with pytest.raises(InputError, match="its images make 0"):
        family_of(model).layout(model, inputs)


def test_crops_of_gemma_3_are_views():
    case, image = gemma3.CASE, gemma3.PROMPTS[0].images[0].resize((120, 40))
    inputs = case.processor()(
        text=case.prompts[0].text, images=[[image]], return_tensors="pt",
        do_pan_and_scan=True, pan_and_scan_min_crop_size=16,
    )  # fmt: skip
    layout = family_of(build(case)).layout(build(case), inputs)
    assert layout.grids == (((4, 4),) * 4,)  # the image and three crops of it


def test_paligemma_without_token_types():
    inputs = paligemma.CASE.inputs(0)
    del inputs["token_type_ids"]
    with pytest.raises(InputError, match="token_type_ids"):
        family_of(build(paligemma.CASE)).layout(build(paligemma.CASE), inputs)
