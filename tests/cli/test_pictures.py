"""Pictures of kept patches: the veil lies where tokens are removed, and nowhere else."""

import numpy as np
from PIL import Image

from prunescope.cli import pictures
from prunescope.cli.pictures import Panel, draw, veil

GRID = 4, 4
WHITE = Image.new("RGB", (96, 96), "white")


def middles(picture, left, top, side):
    """(4, 4) grey values of the middles of the patches of a panel's picture."""
    grey = np.asarray(picture.convert("L"), int)
    places = (np.arange(4) + 0.5) * side / 4
    return grey[np.ix_((top + places).astype(int), (left + places).astype(int))]


def test_removed_patches_are_dark_and_kept_ones_are_as_they_were():
    passed = np.zeros(16)
    passed[[0, 5]], passed[10] = 1, 0.5
    panel = Panel("fastv", veil([(WHITE, GRID)], passed))
    sheet = draw([panel], "a question")
    top = pictures.MARGIN + 3 * pictures.LINE
    values = middles(sheet, pictures.MARGIN, top, pictures.WIDTH).ravel()
    assert (values[[0, 5]] == 255).all()
    removed = np.delete(values, [0, 5, 10])
    assert removed.max() == removed.min() < 80 < values[10] < 200


def test_views_are_tiles_with_their_own_tokens():
    passed = np.concatenate([np.ones(16), np.zeros(16)])
    (_, first), (_, second) = veil([(WHITE, GRID), (WHITE, (2, 8))], passed)
    assert first.shape == (4, 4) and first.all()
    assert second.shape == (2, 8) and not second.any()


def test_boxes_are_outlined():
    box, colour = (0.25, 0.25, 0.75, 0.75), (1, 2, 3)
    sheet = draw([Panel("x", veil([(WHITE, GRID)], np.ones(16)), boxes=[(box, colour)])], "q")
    rows, columns = np.nonzero((np.asarray(sheet) == colour).all(-1))
    top = pictures.MARGIN + 3 * pictures.LINE
    for places, start in ((rows, top), (columns, pictures.MARGIN)):
        assert abs(places.min() - start - pictures.WIDTH / 4) <= 1
        assert abs(places.max() - start - pictures.WIDTH * 3 / 4) <= 1


def test_long_captions_are_wrapped_and_the_sheet_grows():
    short, long = (
        draw([Panel("x", veil([(WHITE, GRID)], np.ones(16)), [text])], "q")
        for text in ("yes", "yes " * 40)
    )
    assert short.width == long.width and short.height < long.height
