"""The bias in the course of training on images: where tokens are kept, by images seen.

Each line is a layer K: vertical position of the tokens kept with RoPE in the score (0 top, 1
bottom), at milestones of the training, on images of the development split. At the left, the decoder
has read text alone. A choice without vertical bias lies at 0.5 (dashed). Bands: 95 % intervals, by
image. The table also has scores without RoPE, and shares of the kept tokens by place.
"""

from prunescope.jobs import run

import pandas as pd
import seaborn as sns

from prunescope.errors import InputError
from prunescope.figures import drawing, tables, theme

LAYERS = (1, 2, 3, 8, 16, 24)
MIDDLE, MARGIN = 0.5, 0.05


def make(courses, png, svg, pdf, csv, layers=LAYERS, bound=MARGIN):
    """courses: bias_course.csv of a model of the study; layers: K of the lines; bound: smallest
    distance from the middle that counts as a bias. InputError unless one model has such a file."""
    if len(courses) != 1:
        raise InputError(f"figures.bias_course: expected one model with a course, got {courses}")
    table = pd.read_csv(courses[0])
    tables.write(table, csv)
    rows = table[(table["measure"] == "mean_row") & (table["variant"] == "rope")]
    theme.save(draw(rows[rows["layer"].isin(layers)], bound), png, svg, pdf)


def draw(rows, bound):
    """rows: positions with RoPE in the score, of some layers."""
    figure, [[panel]] = theme.canvas(1, 1, (theme.COLUMN, 2.8))
    layers = sorted(rows["layer"].unique())
    colors = sns.color_palette("flare_r", len(layers))
    looks = dict(zip(layers, map(theme.Look, colors, "os^vDX" * len(layers)), strict=False))
    drawing.curves(panel, rows, "images", "layer", looks)
    theme.reference(panel, MIDDLE)
    panel.set_ylim(1, 0)
    drawing.label_lines(
        panel, rows, "images", "layer", looks, {layer: f"K = {layer}" for layer in layers}
    )
    panel.set_xlabel("Images seen in training")
    panel.set_ylabel("Vertical position of kept tokens\n(0 top, 1 bottom)")
    theme.headline(figure, message(rows, bound))
    return figure


def message(rows, bound):
    """At which layers the tokens kept with RoPE lie at the bottom, at the start and at the end."""
    first, last = (_biased(rows[rows["images"] == end], bound) for end in _ends(rows))
    return f"Kept tokens lie low at K = {first} before training on images, at K = {last} after"


def _ends(rows):
    return rows["images"].min(), rows["images"].max()


def _biased(rows, bound):
    """Layers whose interval lies below the middle by more than the bound."""
    layers = rows.loc[rows["low"] > MIDDLE + bound, "layer"]
    return ", ".join(map(str, sorted(layers))) or "no layer shown"


run(make, globals())
