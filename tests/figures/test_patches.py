"""Pictures with a veil: what is removed can be told from what is kept, on any picture."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from prunescope.figures import patches, theme

LEAST = 1.4  # ratio of luminance; removed patches are darker, on black pictures lighter


def luminance(pixels):
    values = pixels[..., :3] / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return (linear @ [0.2126, 0.7152, 0.0722]).mean()


@pytest.fixture
def drawn():
    """Draws an image of one colour whose left half is removed; its pixels."""

    def draw(color, mask=((False, True),)):
        figure, [[panel]] = theme.canvas(1, 1, (1, 1))
        panel.set_position((0, 0, 1, 1))
        figure.set_layout_engine("none")
        patches.kept_patches(panel, np.full((20, 20, 3), color, np.uint8), np.array(mask, float))
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())
        plt.close(figure)
        return pixels

    return draw


@pytest.mark.parametrize("color", [(255, 255, 255), (128, 128, 128), (150, 90, 40), (0, 0, 0)])
def test_removed_patches_differ_on_any_picture(drawn, color):
    pixels = drawn(color)
    width = pixels.shape[1]
    removed, kept = luminance(pixels[:, : width // 2 - 2]), luminance(pixels[:, width // 2 + 2 :])
    bright, dark = max(removed, kept), min(removed, kept)
    assert (bright + 0.05) / (dark + 0.05) >= LEAST


def test_a_patch_of_some_stages_lies_between(drawn):
    pixels = drawn((255, 255, 255), mask=((0.0, 0.5, 1.0),))
    thirds = np.array_split(pixels, 3, axis=1)
    removed, partly, kept = (luminance(third[:, 5:-5]) for third in thirds)
    assert removed < partly < kept


def test_the_inset_shows_the_target_and_does_not_cover_it():
    figure, [[panel]] = theme.canvas(1, 1, (1, 1))
    image = np.zeros((24, 24, 3), np.uint8)
    patches.kept_patches(panel, image, np.ones((6, 6)))
    patches.draw_inset(panel, image, [0.0, 0.8, 0.2, 1.0])
    [inset] = panel.child_axes
    (left, right), (bottom, top) = inset.get_xlim(), inset.get_ylim()
    assert left <= 0.0 < 0.2 <= right <= 1 and top <= 0.8 < 1.0 <= bottom
    assert left >= 0 and bottom <= 1  # nothing beyond the image
    corner = inset.get_position()
    assert corner.x0 > 0.5 and corner.y0 > 0.5
    plt.close(figure)
