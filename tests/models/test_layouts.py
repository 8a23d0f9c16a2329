"""Where the visual tokens of images and tiles lie, seen in what stock models make of spots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import BoolTensor, Tensor, nn
from transformers import CLIPVisionConfig, GemmaConfig

from helpers import families
from helpers.families import idefics3, internvl, llava, llava_next, llava_onevision
from helpers.families.case import TEXT, Case
from prunescope.errors import InputError
from prunescope.models import Layout, family_of

Box = tuple[float, float, float, float]  # top, left, bottom, right as parts of an image
WHOLE: Box = (0, 0, 1, 1)
CASES = (
    llava.CASE, llava.WIDE, llava_next.CASE, llava_onevision.CASE, internvl.QWEN2, idefics3.CASE,
    idefics3.SMOLVLM,
)  # fmt: skip
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@dataclass(frozen=True)
class Seen:
    """The images of a batch in a model."""

    layout: Layout
    tokens: Tensor  # (tokens of all images, dim) as the decoder gets them
    visual: BoolTensor  # (tokens of all images,) False: separators
    features: Tensor  # (visual tokens of all images, dim) before the projection

    def of_examples(self, values: Tensor) -> tuple[Tensor, ...]:
        """(visual tokens of all images, dim) -> those of each example."""
        return values.split(self.layout.visual.sum(1).tolist())


@torch.no_grad()
def see(model: nn.Module, inputs: Mapping[str, Any]) -> Seen:
    family, caught = family_of(model), []
    layout = family.layout(model, inputs)
    images = {key: inputs[key] for key in inputs if key not in ("input_ids", "attention_mask")}
    handle = family.projector(model).register_forward_pre_hook(
        lambda module, args: caught.append(args[0])
    )
    packed = family.base(model).get_image_features(**images).pooler_output
    handle.remove()
    return Seen(
        layout,
        tokens=torch.cat([mosaic.flatten(0, -2) for mosaic in packed]),
        visual=layout.visual[family.placeholders(model, inputs)],
        features=family.features(model, caught[0], inputs),
    )


@cache
def built(case: Case) -> nn.Module:
    return case.build("sdpa")


@cache
def short_sighted(case: Case) -> nn.Module:
    """A token of this model's vision tower depends on its own patches only."""
    model = case.build("sdpa")
    ends = ("self_attn.out_proj", "attention.o_proj", "attention.projection_layer")
    tower = getattr(model.model, "vision_tower", None) or model.model.vision_model
    outputs = [module for name, module in tower.named_modules() if name.endswith(ends)]
    assert len(outputs) in (2, 3), "the attention of the vision tower has other names now"
    for output in outputs:
        nn.init.zeros_(output.weight)
        nn.init.zeros_(output.bias)
    return model


def parts(rows: int, columns: int, box: Box = WHOLE) -> list[Box]:
    """The parts of a box that is cut into rows and columns, row by row."""
    top, left, bottom, right = box
    height, width = (bottom - top) / rows, (right - left) / columns
    corners = [(top + r * height, left + c * width) for r in range(rows) for c in range(columns)]
    return [(y, x, y + height, x + width) for y, x in corners]


def spotted(size: tuple[int, int], spots: Sequence[Box]) -> list[Image.Image]:
    """A grey image of (height, width) pixels, and for each spot the same with that in white."""
    height, width = size
    pixels = np.full((1 + len(spots), height, width, 3), 110, dtype=np.uint8)
    for image, (top, left, bottom, right) in zip(pixels[1:], spots, strict=True):
        rows = slice(round(top * height), round(bottom * height))
        image[rows, round(left * width) : round(right * width)] = 250
    return [Image.fromarray(image) for image in pixels]


# For an image of (height, width) pixels: the grid of each of its views, and what that shows.
IMAGES = [
    (llava.CASE, (48, 48), [((6, 6), WHOLE)]),
    (llava.WIDE, (40, 56), [((5, 7), WHOLE)]),
    (llava_next.CASE, (40, 100), [((4, 4), WHOLE), ((4, 10), WHOLE)]),
    (llava_next.CASE, (96, 48), [((4, 4), WHOLE), ((8, 4), WHOLE)]),
    (llava_onevision.CASE, (40, 100), [((4, 4), WHOLE), ((4, 12), WHOLE)]),
    (llava_onevision.CASE, (120, 100), [((4, 4), WHOLE), ((8, 7), WHOLE)]),  # of 12 x 10
    (internvl.QWEN2, (64, 96), [((2, 2), box) for box in [*parts(2, 3), WHOLE]]),
    (internvl.QWEN2, (20, 20), [((2, 2), WHOLE)]),
    (idefics3.CASE, (96, 96), [((3, 3), box) for box in [*parts(2, 2), WHOLE]]),
    (idefics3.CASE, (48, 96), [((3, 3), box) for box in [*parts(1, 2), WHOLE]]),
    (idefics3.SMOLVLM, (48, 96), [((3, 3), box) for box in [*parts(1, 2), WHOLE]]),
]


@pytest.mark.parametrize(
    ("case", "size", "views"),
    IMAGES,
    ids=[f"{case.name}-{height}-{width}" for case, (height, width), _ in IMAGES],
)
def test_each_token_lies_where_it_sees_a_spot(case, size, views):
    model = short_sighted(case)
    spots = [
        (number, token, spot)
        for number, ((rows, columns), box) in enumerate(views)
        for token, spot in enumerate(parts(rows, columns, box))
    ]
    images = [[image] for image in spotted(size, [spot for _, _, spot in spots])]
    texts = [case.prompts[0].text] * len(images)
    seen = see(model, dict(case.processor()(text=texts, images=images, return_tensors="pt")))
    assert seen.layout.grids == (tuple(grid for grid, _ in views),) * len(images)
    for values in (seen.tokens[seen.visual], seen.features):
        grey, *white = seen.of_examples(values)
        for (number, token, _), example in zip(spots, white, strict=True):
            changes = (example - grey).norm(dim=-1).split([r * c for (r, c), _ in views])
            assert changes[number].argmax() == token, f"token {token} of view {number}"


@each_case
def test_pixels_of_a_view_make_its_tokens(case):
    """Other pixels in a view of the second prompt change all tokens of that view and no other."""
    model = short_sighted(case)
    before = see(model, case.inputs(0, 1, 2))
    sizes = [rows * columns for views in before.layout.grids for rows, columns in views]
    for view in before.layout.views[1]:
        inputs = case.inputs(0, 1, 2)
        family_of(model).pixels(model, inputs)[view].add_(1.0)
        after = see(model, inputs)
        for now, then in (
            (after.tokens[after.visual], before.tokens[before.visual]),
            (after.features, before.features),
        ):
            changed = (now != then).any(-1).split(sizes)
            assert changed[view].all()
            others = (*changed[:view], *changed[view + 1 :])
            assert not any(tokens.any() for tokens in others)


@pytest.mark.parametrize("case", [llava_next.CASE, llava_onevision.CASE], ids=lambda c: c.name)
def test_line_ends_are_separators(case):
    model = built(case)
    seen = see(model, case.inputs(0, 1, 2))
    ends = (seen.tokens == model.model.image_newline).all(-1)
    assert torch.equal(seen.visual, ~ends) and ends.sum() > 3


@each_case
def test_features_are_what_the_projector_gets(case):
    model = built(case)
    seen = see(model, case.inputs(0, 1))  # the image that OneVision interpolates is in prompt 2
    projected = family_of(model).projector(model)(seen.features)
    assert torch.allclose(projected, seen.tokens[seen.visual], atol=1e-5)


@pytest.mark.parametrize("case", families.CASES, ids=lambda case: case.name)
def test_pixels_are_the_same_alone_and_in_a_batch(case):
    model = built(case)
    family, batch = family_of(model), case.inputs(0, 1, 2)
    together = family.pixels(model, batch)
    for row, numbers in enumerate(family.layout(model, batch).views):
        alone = family.pixels(model, case.inputs(row))
        assert len(alone) == len(numbers)
        for one, number in zip(alone, numbers, strict=True):
            assert torch.equal(one, together[number]) and one.std() > 0.1


@each_case
def test_prompts_without_their_images(case):
    model, inputs = built(case), case.inputs(0)
    text = {key: inputs[key] for key in ("input_ids", "attention_mask")}
    with pytest.raises(InputError, match="its images make 0"):
        family_of(model).layout(model, text)


def test_tiles_that_follow_each_other_without_filling():
    """The tiles of all images in one tensor, as LLaVA-NeXT takes them, too."""
    model, inputs = built(llava_next.CASE), llava_next.CASE.inputs(0, 1)
    family = family_of(model)
    filled, counts = inputs["pixel_values"], family.tiles(model, inputs)
    inputs["pixel_values"] = torch.cat([p[:n] for p, n in zip(filled, counts, strict=True)])
    flat = family.pixels(model, inputs)
    expected = family.pixels(model, {**inputs, "pixel_values": filled})
    assert all(torch.equal(one, other) for one, other in zip(flat, expected, strict=True))


@pytest.mark.parametrize("case", [internvl.QWEN2, idefics3.CASE], ids=lambda case: case.name)
def test_tiles_that_are_no_squares(case):
    model, inputs = built(case), case.inputs(0)
    inputs["pixel_values"] = inputs["pixel_values"][..., :8]
    with pytest.raises(InputError, match=r"\d\d x 8 pixels; .* square"):
        family_of(model).layout(model, inputs)


def test_videos():
    model, inputs = built(llava_onevision.CASE), llava_onevision.CASE.inputs(0)
    inputs["input_ids"][0, -1] = model.config.video_token_id
    with pytest.raises(InputError, match="videos are not supported"):
        family_of(model).layout(model, inputs)


def test_other_text_models():
    sizes = {"vocab_size": 32, "head_dim": 8, "pad_token_id": 0}
    vision = CLIPVisionConfig(**llava.VISION, image_size=24)
    model = llava.build(vision, GemmaConfig(**TEXT, **sizes), "sdpa")
    with pytest.raises(InputError, match=r"'gemma' is not supported; .*'llama', .*'mistral'"):
        family_of(model).decoder(model)
