"""Localization between its bounds: the target kept first, and the target removed first.

All rows of one K and R keep the same number of tokens. The oracle keeps the target's tokens and
those nearest to it, which no method can know; the anti-oracle removes them first. A criterion can
gain what lies between. An oracle above the unpruned model (dashed) shows that the choice itself
gives the answer away. Bars: 95 % intervals, by image.
"""

from prunescope.jobs import run

from prunescope.figures.recipes import forest_of_groups as make

run(make, globals())
