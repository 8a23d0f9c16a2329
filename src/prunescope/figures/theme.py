"""The look of all figures, and small helpers that draw on given Axes. No statistics."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from prunescope.method_names import LABELS, label, parse


@dataclass(frozen=True)
class Style:
    """How a method looks wherever it is drawn."""

    label: str
    color: str
    marker: str | tuple[int, int, int] = "o"  # of matplotlib


# Okabe and Ito's palette, which colour-blind readers can tell apart; markers say it again.
METHODS = {
    "unpruned": Style(LABELS["unpruned"], "#000000", "*"),
    "fastv": Style(LABELS["fastv"], "#D55E00", "o"),
    "fastv-norope": Style(LABELS["fastv-norope"], "#0072B2", "s"),
    "uniform": Style(LABELS["uniform"], "#009E73", "^"),
    "lattice": Style(LABELS["lattice"], "#B2A100", "h"),
    "last-quarter": Style(LABELS["last-quarter"], "#8C6D31", "v"),
    "random": Style(LABELS["random"], "#7F7F7F", "x"),
    "ensemble": Style(LABELS["ensemble"], "#56B4E9", "D"),
    "feather": Style(LABELS["feather"], "#CC79A7", "P"),
    "pyramiddrop": Style(LABELS["pyramiddrop"], "#E69F00", "X"),
    "knn": Style(LABELS["knn"], "#882255", "p"),
    "fastervlm": Style(LABELS["fastervlm"], "#44AA99", (4, 1, 0)),
    "visionzip": Style(LABELS["visionzip"], "#AA4499", (6, 1, 0)),
    "oracle": Style(LABELS["oracle"], "#117733", ">"),
    "anti-oracle": Style(LABELS["anti-oracle"], "#661100", "<"),
    "pair": Style(LABELS["pair"], "#332288", "8"),
    "text-only": Style(LABELS["text-only"], "#4D4D4D", "H"),
    "position-shuffle": Style(LABELS["position-shuffle"], "#999933", "d"),
}
VARIANTS = {
    "rope": Style("Score with RoPE", "#D55E00"),
    "norope": Style("Score without RoPE", "#0072B2", "s"),
}
TRUE_BOX, PREDICTED_BOX = "#00D000", "#FF00FF"
VEIL = 0.80, 0.82, 0.94  # over removed patches: neither white, grey nor brown, as images may be
DIVERGING = "RdBu_r"
RC = {
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "legend.frameon": False,
    "svg.hashsalt": "prunescope",  # the same figure has the same bytes
    "svg.fonttype": "none",
}


def style(method: str) -> Style:
    """Color and marker of the method that `method` varies, with a label of its own; an unknown
    method is grey."""
    known = METHODS.get(parse(method).base, Style("", "#555555", "h"))
    return replace(known, label=label(method))


def canvas(rows: int = 1, columns: int = 1, size: tuple[float, float] = (7, 3), **kwargs):
    """Figure and a (rows, columns) array of Axes in the theme; `size` in inches."""
    mpl.rcParams.update(RC)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **kwargs)


def save(figure: Figure, *paths: Path | str) -> None:
    """Write the figure to every path, in the format of its suffix, and close it."""
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, bbox_inches="tight", metadata=metadata)
        figure.set_layout_engine("none")  # laid out; to do it again takes as long as to draw
    plt.close(figure)


def curve(axes: Axes, table: pd.DataFrame, x: str, look: Style, **kwargs) -> None:
    """Line through `value` with the interval from `low` to `high` as a band."""
    axes.fill_between(table[x], table["low"], table["high"], color=look.color, alpha=0.2, lw=0)
    options = {"marker": look.marker, "ms": 4, "lw": 1.4, "label": look.label} | kwargs
    axes.plot(table[x], table["value"], color=look.color, **options)


def whiskers(axes: Axes, table: pd.DataFrame, at: Sequence[float], look: Style, **kwargs) -> None:
    """Horizontal intervals with `value` as a mark, at the heights `at`."""
    axes.hlines(at, table["low"], table["high"], color=look.color, lw=1.3)
    options = {"marker": look.marker, "ms": 4.5, "label": look.label} | kwargs
    axes.plot(table["value"], at, ls="none", color=look.color, **options)


def reference(
    axes: Axes, value: float, text: str, vertical: bool = False, side: str = "right"
) -> None:
    """A dashed line at a value to compare with, named at one side of the axes."""
    draw = axes.axvline if vertical else axes.axhline
    draw(value, color="0.45", lw=0.9, ls="--", zorder=0)
    if text:
        axes.annotate(
            text, (side == "right", value), xycoords=("axes fraction", "data"), xytext=(0, 2),
            textcoords="offset points", ha=side, va="bottom", color="0.35", fontsize=7, zorder=1,
            bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.5, "lw": 0},
        )  # fmt: skip


def heat(axes: Axes, values: np.ndarray, centre: float, span: tuple[float, float]) -> AxesImage:
    """Heat map with white at `centre`, blue below and red above, over `span`."""
    image = axes.imshow(values, cmap=DIVERGING, norm=TwoSlopeNorm(centre, *span), aspect="auto")
    axes.spines[:].set_visible(False)
    return image


def write_cells(axes: Axes, values: np.ndarray, form: str = "{:.2f}") -> None:
    """The number in each cell of the heat map on `axes`, white on dark."""
    [image] = axes.get_images()
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        dark = sum(image.cmap(image.norm(value))[:3]) < 1.4
        look = {"color": "white" if dark else "black", "ha": "center", "va": "center"}
        axes.text(column, row, form.format(value), fontsize=6.5, **look)


def kept_patches(axes: Axes, image: np.ndarray, mask: np.ndarray) -> None:
    """The image (height, width, 3) with patches faded where `mask` (rows, cols), False to True or
    0 to 1, is low."""
    height, width = image.shape[:2]
    axes.imshow(image, extent=(0, 1, 1, 0))
    veil = np.zeros((*mask.shape, 4))
    veil[..., :3], veil[..., 3] = VEIL, 0.85 * (1.0 - np.asarray(mask, float))
    axes.imshow(veil, extent=(0, 1, 1, 0), interpolation="nearest")
    axes.set(xticks=[], yticks=[], aspect=height / width, xlim=(0, 1), ylim=(1, 0))


def draw_box(axes: Axes, box: Sequence[float], color: str, dashed: bool = False) -> None:
    """Outline of a normalised x1 y1 x2 y2 box on axes of `kept_patches`."""
    x1, y1, x2, y2 = box
    outline = {"fill": False, "lw": 1.8, "ls": "--" if dashed else "-", "clip_on": False}
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, edgecolor=color, **outline))
