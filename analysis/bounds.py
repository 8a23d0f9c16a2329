"""Localization between its bounds: the true box kept first, and the true box dropped first.

All rows of one K and R keep the same number of tokens. The oracle keeps the tokens of the true box
and those nearest to it, which no method can know; the anti-oracle drops them first. What lies
between is what a criterion may gain, and random says where chance stands. Both need a true box and
so have no other tasks. An oracle above the unpruned model (dashed) tells that the answer itself
leaks through the choice. Bars are 95 % intervals that resample images.
"""

from prunescope.jobs import run

from prunescope.figures.recipes import forest_of_groups as make

run(make, globals())
