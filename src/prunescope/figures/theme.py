"""The look of all figures: a seaborn theme, colours and marks of methods, and how files are saved.

Figures have their printed size: one column (3.25 in) or two columns (6.75 in) of a paper, with
lettering of 7 to 8 points.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunescope.figures.quick_seaborn import sns, so
from prunescope.method_names import parse

COLUMN, PAGE = 3.25, 6.75  # widths of a figure in inches
LETTERS_PER_INCH = 15  # in a headline
MOST_COLORS = 6  # more colours in one figure cannot be told apart at a glance


@dataclass(frozen=True)
class Look:
    """Colour and mark of a method, wherever it is drawn."""

    color: str
    marker: str | tuple[int, int, int] = "o"  # marker of matplotlib
    filled: bool = True


# Hue tells the family, lightness and mark its members. Chosen by a search for colours that stay
# apart with and without red-green blindness; tests/figures/test_theme.py holds the distances.
# Earlier methods have a colour first where a figure shows many.
LOOKS = {
    "unpruned": Look("#000000", "*"),
    "random": Look("#8F8F8F", "X"),
    # attention with and without rotary position embedding in the score
    "fastv": Look("#F06709", "o"),
    "fastv-norope": Look("#0C40E1", "s"),
    # several stages
    "feather": Look("#AB1979", "P"),
    "pyramiddrop": Look("#4F1A2D", "<"),
    # choices that ignore the image
    "uniform": Look("#19784D", "^"),
    "ensemble": Look("#0382FA", "D"),  # with attention without RoPE
    "lattice": Look("#1CA56A", "h"),
    "last-quarter": Look("#0AA933", "v"),
    # features or attention of the vision tower
    "visionzip": Look("#A97FC8", "H"),
    "fastervlm": Look("#8964A5", (5, 1, 0)),
    "knn": Look("#530F80", "p"),
    # bounds and controls
    "pair": Look("#5F2853", "8"),
    "oracle": Look("#7E6409", ">"),
    "anti-oracle": Look("#34330A", (4, 1, 0)),
    "text-only": Look("#4D4D4D", (6, 1, 0)),
    "no-image": Look("#070136", (7, 1, 0)),
    "position-shuffle": Look("#7A401A", (3, 1, 0)),
}
UNKNOWN = Look("#6E6E6E", "d")
ALWAYS = ("unpruned", "random")  # black and grey are no colours
VARIANTS = {"rope": LOOKS["fastv"], "norope": LOOKS["fastv-norope"]}
VARIANT_LABELS = {"rope": "with RoPE", "norope": "without RoPE"}
GREY = "#6E6E6E"  # colour of lines and letters that explain
DASHES = (0, (4, 2))  # style of lines to compare with
DIVERGING = "RdBu_r"
RC = {
    "figure.dpi": 150,
    "savefig.dpi": 300,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine draws the same
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "figure.titlesize": 8,
    "figure.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 4,
    "axes.labelpad": 3,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType: letters stay letters, and are in the file
    "svg.fonttype": "path",  # a viewer need not have the font
    "svg.hashsalt": "prunescope",  # the same figure has the same bytes
}


def look(method: str) -> Look:
    """Colour and mark of the method that `method` varies; grey for an unknown one."""
    return LOOKS.get(parse(method).base, UNKNOWN)


def palette(methods: Iterable[str]) -> dict[str, Look]:
    """Looks of the methods of one figure, at most `MOST_COLORS` of them coloured.

    The first in `LOOKS` keep their colours, the others are grey; further variations of one method
    have open marks.
    """
    methods = list(methods)
    bases = {method: parse(method).base for method in methods}
    colored = [base for base in LOOKS if base in bases.values() and base not in ALWAYS]
    shown = {*ALWAYS, *colored[:MOST_COLORS]}
    looks, first = {}, {}
    for method, base in bases.items():
        style = look(method) if base in shown else replace(look(method), color=GREY)
        looks[method] = replace(style, filled=first.setdefault(base, method) == method)
    return looks


def set_theme() -> None:
    """Make seaborn and matplotlib draw in this theme."""
    sns.set_theme(context="paper", style="ticks", rc=RC)
    so.Plot.config.theme.update(sns.axes_style("ticks") | sns.plotting_context("paper") | RC)


def canvas(rows: int = 1, columns: int = 1, size: tuple[float, float] = (PAGE, 2.5), **kwargs):
    """Figure and a (rows, columns) array of Axes in the theme; `size` in inches."""
    set_theme()
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **kwargs)


def headline(figure: Figure, text: str) -> None:
    """Write a headline above the figure, from its left edge, in lines that fit its width."""
    text = fill(text, int(LETTERS_PER_INCH * figure.get_figwidth()))
    figure.suptitle(text, x=0.005, ha="left")


def wrapped(label: str, letters: int) -> str:
    """A method's label in short lines, a new one for each change that it names."""
    return "\n".join(fill(part, letters) for part in label.split(", "))


def reference(axes: Axes, value: float, text: str = "", vertical: bool = False) -> None:
    """A dashed line at a value to compare with, and its name at the line's end."""
    draw = axes.axvline if vertical else axes.axhline
    draw(value, color=GREY, lw=0.8, ls=DASHES, zorder=0)
    if text:
        axes.annotate(
            text, (1, value), xycoords=("axes fraction", "data"), xytext=(0, 1.5),
            textcoords="offset points", ha="right", va="bottom", color=GREY,
        )  # fmt: skip


def save(figure: Figure, *paths: Path | str) -> None:
    """Write the figure to every path, in the format of its suffix, and close it.

    The headline is in the file's metadata, as the report needs it for readers who do not see the
    figure. The same figure gives the same bytes.
    """
    headline = " ".join(figure.get_suptitle().split())
    title = {"Title": headline} if headline else {}
    dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata=title | dates.get(path.suffix, {}))
        figure.set_layout_engine("none")  # laid out; to do it again takes as long as to draw
    plt.close(figure)
