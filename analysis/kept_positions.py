"""Accuracy with original positions, and with positions that are closed up.

"Compact" numbers the remaining tokens anew, without gaps, from the layer that removes the others;
the row above it keeps the original positions. If both agree, the model does not need the gaps to
know where a token was. Dashed: the unpruned model. Bars: 95 % intervals, by image.
"""

from prunescope.jobs import run

from prunescope.figures.recipes import forest_of_groups as make

run(make, globals())
