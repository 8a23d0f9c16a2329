"""A tower that starts as a convolution: where its heads look at the start."""

import pytest
import torch
from transformers import SiglipVisionModel

from prunescope.training.local_attention import NEIGHBOURS, attend_locally, place_codes
from prunescope.training.patch_tower import PatchTower, tower_config


@pytest.mark.parametrize("grid", [12, 24])
def test_codes_of_near_patches_are_orthogonal_along_an_axis(grid):
    codes = place_codes(grid)
    similar = (codes @ codes.T).view(grid, grid, grid, grid)[0, 0]
    assert torch.allclose(similar[0, 1:12], similar[0, 1], atol=1e-4)
    assert similar[0, 0] == pytest.approx(2 * similar[0, 1].item(), rel=1e-4)


@pytest.mark.parametrize("head, steps", enumerate(NEIGHBOURS))
def test_a_head_looks_at_the_neighbour(head, steps):
    torch.manual_seed(0)
    tower = SiglipVisionModel(tower_config(12))
    tower.set_attn_implementation("eager")
    attend_locally(tower, 12)
    images = torch.rand(2, 3, 96, 96) * 2 - 1
    [first, *_] = tower(pixel_values=images, output_attentions=True).attentions
    row, column = 5, 6
    looked = first[:, head, row * 12 + column].view(2, 12, 12)
    assert (looked[:, row + steps[0], column + steps[1]] > 0.5).all()


def test_nothing_is_frozen():
    assert all(parameter.requires_grad for parameter in PatchTower(12).parameters())
