"""Accuracy with the positions that tokens had, and with positions that are closed up.

"Compact" numbers the tokens that are left anew, without gaps, from the layer where the others are
removed; the row above it keeps the original positions and is the same otherwise. Where both agree,
the model does not need the gaps to know where a token was. Bars are 95 % intervals that resample
images.
"""

from prunescope.jobs import run

from prunescope.figures.recipes import forest_of_groups as make

run(make, globals())
