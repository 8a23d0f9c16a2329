"""The theme: colours that stay apart, final sizes, files that are the same each time."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from colorspacious import cspace_convert
from matplotlib.colors import to_rgb
from PIL import Image

from prunescope.figures import theme
from prunescope.method_names import LABELS, parse

APART, CONTRAST = 9.5, 3.0  # CAM02-UCS; WCAG's bound for graphics
MAIN_APART = 16.0  # of the methods that most figures show
MAIN = ("unpruned", "random", "fastv", "fastv-norope", "feather", "pyramiddrop", "uniform")
VISION = {"normal": None, "deuteranope": "deuteranomaly", "protanope": "protanomaly"}


def seen(colors, deficiency):
    """(n, 3) coordinates of sRGB colours in CAM02-UCS as a reader sees them."""
    if deficiency:
        space = {"name": "sRGB1+CVD", "cvd_type": deficiency, "severity": 100}
        colors = np.clip(cspace_convert(colors, space, "sRGB1"), 0, 1)
    return cspace_convert(colors, "sRGB1", "CAM02-UCS")


def closest(colors, deficiency):
    """The smallest distance of two of the colours."""
    points = seen(np.array([to_rgb(color) for color in colors]), deficiency)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return distances[np.triu_indices(len(points), 1)].min()


def luminance(color):
    values = np.array(to_rgb(color))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("deficiency", VISION.values(), ids=VISION)
def test_colors_of_methods_can_be_told_apart(deficiency):
    assert closest([look.color for look in theme.LOOKS.values()], deficiency) >= APART
    assert closest([theme.LOOKS[name].color for name in MAIN], deficiency) >= MAIN_APART


def test_distance_finds_colors_that_a_deuteranope_confuses():
    pair = ["#CC79A7", "#44AA99"]  # of an earlier palette
    assert closest(pair, None) > APART > closest(pair, "deuteranomaly")


def test_colors_stand_out_on_white():
    for name, look in {**theme.LOOKS, "unknown": theme.UNKNOWN}.items():
        assert 1.05 / (luminance(look.color) + 0.05) >= CONTRAST, name


def test_every_named_method_has_a_mark_of_its_own():
    assert set(theme.LOOKS) == set(LABELS)
    markers = [look.marker for look in theme.LOOKS.values()]
    assert len(set(markers)) == len(markers)


def test_variations_of_a_method_share_its_look():
    assert theme.look("fastv-k1-r0.5") == theme.LOOKS["fastv"]
    assert theme.look("fastv-k1-as-feather-r0.4") == theme.LOOKS["fastv"]
    assert theme.look("mine-k1") == theme.UNKNOWN


def test_a_figure_has_few_colors_and_the_first_methods_have_them():
    looks = theme.palette(["position-shuffle-k1", *theme.LOOKS])
    colored = {name for name, look in looks.items() if look.color != theme.GREY}
    bases = {parse(name).base for name in colored}
    assert len(bases - set(theme.ALWAYS)) == theme.MOST_COLORS
    assert {"fastv", "fastv-norope", "feather"} <= bases and "position-shuffle" not in bases
    assert looks["random"].color == theme.LOOKS["random"].color


def test_further_variations_of_a_method_are_open_marks():
    looks = theme.palette(["fastv-k1", "uniform-k1", "fastv-k3"])
    assert [look.filled for look in looks.values()] == [True, True, False]


@pytest.mark.parametrize("width", [theme.COLUMN, theme.PAGE])
def test_files_have_the_printed_size_and_no_date(width, tmp_path):
    paths = [tmp_path / f"{name}.{end}" for end in ("png", "svg", "pdf") for name in "ab"]
    for number in (0, 1):
        figure, [[panel]] = theme.canvas(1, 1, (width, 2))
        panel.set_xlabel("a long label " * 20)
        theme.headline(figure, "It holds")
        theme.save(figure, *paths[number::2])
    for first, second in zip(paths[::2], paths[1::2], strict=True):
        assert first.read_bytes() == second.read_bytes()
    with Image.open(paths[0]) as image:
        assert image.size == (round(width * 300), 600)
        assert image.info["Title"] == "It holds"
    assert "<text" not in paths[2].read_text()  # letters are paths
    assert not plt.get_fignums()


def test_letters_are_readable_in_print():
    sizes = [value for key, value in theme.RC.items() if key.endswith(("size", "fontsize"))]
    letters = [size for size in sizes if size > 3]  # without ticks' lengths
    assert min(letters) >= 7


def test_a_headline_fits_the_figure():
    figure, _ = theme.canvas(1, 1, (theme.COLUMN, 2))
    theme.headline(
        figure, "The score with RoPE keeps fewer of the target's tokens than chance " * 2
    )
    figure.canvas.draw()
    assert figure._suptitle.get_window_extent().x1 <= figure.bbox.x1
    plt.close(figure)


def test_a_figure_starts_light():
    """Neither torch nor scipy's statistics; scipy can still be imported afterwards."""
    code = (
        "import sys, prunescope.figures.recipes, prunescope.figures.patches; "
        "assert not {'torch', 'scipy.stats', 'datasets'} & set(sys.modules); import scipy.stats"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
