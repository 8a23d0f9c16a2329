"""Accuracy by the layers of two stages, at the same mean number of visual tokens.

Rows are the layer K of the first stage, columns that of the second; both choose by the score
without RoPE. How much each keeps is solved for so that all cells spend the same (right map): an
early second stage leaves more to the first. Read along a row to move the second stage, along a
column to move the first; empty cells have no second stage behind the first. The table beside has
95 % intervals that resample images.
"""

from prunescope.jobs import run
from prunescope.figures.recipes import maps_of_pairs

NAMES = "Layer of the first stage", "Layer of the second stage"


def make(records, png, svg, csv, firsts, seconds, pattern="pair-k{}+{}-t0.42", bootstrap=None):
    """firsts, seconds: layers; pattern: names of the methods; those without records stay empty."""
    maps_of_pairs(records, (firsts, seconds), pattern, NAMES, bootstrap, csv, png, svg)


run(make, globals())
