"""Figures inside the page: a chart as SVG, a heavy picture as WebP, at a size fit for a screen."""

from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

CSS_PIXELS = 96  # pixels of an inch in CSS
ZOOM = 1.4  # figures are drawn for print, with letters of 7 to 8 pt; the page is read on a screen
HEAVIEST_SVG = 350_000  # bytes; a chart of more, or one that holds photographs, is a WebP
SHARPNESS = 2  # pixels of a WebP for each CSS pixel
DEFAULT_DPI = 100  # for a PNG that does not state it


def picture(png: Path) -> dict[str, Any]:
    """The figure as a data URI (`image`), its `width` in CSS pixels, and its headline or "".

    The SVG of the same name is taken if it is light enough, otherwise the PNG as WebP. The headline
    is the title that the PNG states.
    """
    with Image.open(png) as image:
        dpi = image.info.get("dpi", (DEFAULT_DPI,))[0]
        width = round(image.width / float(dpi) * CSS_PIXELS * ZOOM)
        headline, svg = image.info.get("Title", ""), png.with_suffix(".svg")
        light = svg.exists() and 0 < svg.stat().st_size <= HEAVIEST_SVG
        webp = "" if light else _uri("webp", _webp(image, SHARPNESS * width))
    uri = webp or _uri("svg+xml", svg.read_bytes())
    return {"image": uri, "width": width, "headline": headline}


def _webp(image: Image.Image, width: int) -> bytes:
    """The image as WebP, no wider than `width` pixels."""
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)))
    data = BytesIO()
    image.convert("RGB").save(data, "WEBP", quality=80)
    return data.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{b64encode(data).decode()}"
