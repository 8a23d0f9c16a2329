"""Positions: shuffled, compacted, and tokens dropped before the LLM (table A3 of FEATHER).

"Before the LLM" replays what the named method kept, so that no layer sees another token: compare it
with that method to see what the layers before K add. The grid, chance, KNN (by the features of the
vision tower), FasterVLM and VisionZip (by its attention) need no LLM and choose by themselves; the
latter two number the tokens that are left anew, unless their original positions are named.
"Compact" numbers the remaining tokens anew, without gaps; "shuffled" exchanges the positions of
the visual tokens at random. share is what a layer sees on average of the visual tokens. Intervals
are 95 %, by image.
"""

from prunescope.jobs import run

from prunescope.figures.tables import write_by_task as make

run(make, globals())
