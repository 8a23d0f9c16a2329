"""Accuracy of the uniform grid, and of FEATHER with one, by stride and offset.

A grid keeps every s-th row and column. Without an offset it is centred, or in FEATHER starts in the
corner; with one it starts there. Rows of one stride differ only in where the grid falls on the
objects, and in their number of tokens if the stride does not divide the image's side; the table has
the tokens. Dashed: the unpruned model. Bars: 95 % intervals, by image.
"""

from prunescope.jobs import run

from prunescope.figures.recipes import forest_of_groups as make

run(make, globals())
