"""Pictures of what methods keep: a dark veil lies over the patches that are removed."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH = 300  # pixels of a panel's picture
MARGIN, LINE = 12, 20  # pixels
FONT = 15  # pixels
STROKE = 3  # pixels
VEIL = (16, 18, 32)
OPACITY = 0.82  # opacity of the veil over what the first stage removes
RIGHT_BOX, ANSWER_BOX = (0, 230, 80), (255, 0, 220)

Box = Sequence[float]  # x1, y1, x2, y2 as fractions of the image
Colour = tuple[int, int, int]
Grid = tuple[int, int]  # rows, columns of tokens


@dataclass(frozen=True)
class Panel:
    """A titled picture.

    views: pictures with, for each patch (rows, columns), the fraction of the stages that it passes.
    boxes: outlines of a single view with their colours, the outermost first.
    """

    title: str
    views: Sequence[tuple[Image.Image, np.ndarray]]
    caption: Sequence[str] = ()
    boxes: Sequence[tuple[Box, Colour]] = ()


def veil(
    views: Sequence[tuple[Image.Image, Grid]], passed: np.ndarray
) -> list[tuple[Image.Image, np.ndarray]]:
    """The views of a panel, from pictures with their grids and (tokens,) values in their order."""
    ends = np.cumsum([rows * columns for _, (rows, columns) in views])
    parts = np.split(passed, ends[:-1])
    return [(image, part.reshape(grid)) for (image, grid), part in zip(views, parts, strict=True)]


def save(panels: Sequence[Panel], title: str, path: Path) -> None:
    """Write the panels side by side as one picture below a title."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(panels, title).save(path)


def draw(panels: Sequence[Panel], title: str) -> Image.Image:
    """The panels side by side below a title, each with its own title and caption."""
    pictures = [_picture(panel) for panel in panels]
    captions = [_wrapped(panel) for panel in panels]
    top = MARGIN + 3 * LINE  # where the pictures begin
    bottom = top + max(picture.height for picture in pictures) + MARGIN // 2  # below the tallest
    height = bottom + max(map(len, captions)) * LINE + MARGIN
    sheet = Image.new("RGB", (MARGIN + len(panels) * (WIDTH + MARGIN), height), "white")
    _write(sheet, textwrap.shorten(title, 2 * sheet.width // FONT), (MARGIN, MARGIN))
    for index, (panel, picture) in enumerate(zip(panels, pictures, strict=True)):
        left = MARGIN + index * (WIDTH + MARGIN)
        _write(sheet, panel.title, (left, top - LINE), bold=True)
        sheet.paste(picture, (left, top))
        for number, line in enumerate(captions[index]):
            _write(sheet, line, (left, bottom + number * LINE))
    return sheet


def _wrapped(panel: Panel) -> list[str]:
    width = 2 * WIDTH // FONT  # characters, which are about half as wide as they are high
    return [line for text in panel.caption for line in textwrap.wrap(text, width)]


def _write(sheet: Image.Image, text: str, place: tuple[int, int], bold: bool = False) -> None:
    stroke = {"stroke_width": 0.4} if bold else {}
    font = ImageFont.load_default(FONT)
    ImageDraw.Draw(sheet).text(place, text, fill="black", font=font, **stroke)


def _picture(panel: Panel) -> Image.Image:
    """The views of a panel in rows of equal tiles, one large tile for a single view."""
    across = math.ceil(math.sqrt(len(panel.views)))
    tile = WIDTH // across
    views = [_veiled(image, passed, tile) for image, passed in panel.views]
    height = max(view.height for view in views)
    sheet = Image.new("RGB", (WIDTH, height * math.ceil(len(views) / across)), "white")
    for index, view in enumerate(views):
        sheet.paste(view, (index % across * tile, index // across * height))
    for distance, (box, colour) in enumerate(reversed(panel.boxes)):
        _outline(sheet, box, colour, distance * STROKE)
    return sheet


def _veiled(image: Image.Image, passed: np.ndarray, width: int) -> Image.Image:
    """The image, `width` pixels wide, darker the fewer stages a patch passes."""
    size = width, max(1, round(image.height * width / image.width))
    opacity = Image.fromarray((255 * OPACITY * (1 - passed)).astype(np.uint8))
    veil = Image.new("RGB", size, VEIL)
    shown = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    return Image.composite(veil, shown, opacity.resize(size, Image.Resampling.NEAREST))


def _outline(sheet: Image.Image, box: Box, colour: Colour, distance: int) -> None:
    """Draw a box `distance` pixels outside its edges: equal boxes must not hide each other."""
    x1, y1, x2, y2 = (
        round(fraction * (side - 1)) for fraction, side in zip(box, sheet.size * 2, strict=True)
    )
    edges = x1 - distance, y1 - distance, x2 + distance, y2 + distance
    ImageDraw.Draw(sheet).rectangle(edges, outline=colour, width=STROKE)
