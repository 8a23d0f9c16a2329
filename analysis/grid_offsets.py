"""Accuracy of the uniform grid, and of FEATHER with one, by its stride and by where it begins.

A grid keeps every s-th row and column, from the offset on. Rows of one stride differ by chance of
where the grid falls on the objects, and by how close it comes to the image's edge; the count
differs where the stride does not divide the side of the grid. The table beside has the tokens.
Bars are 95 % intervals that resample images.
"""

from prunescope.jobs import run

from prunescope.figures.recipes import forest_of_groups as make

run(make, globals())
