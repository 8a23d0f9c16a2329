"""Positions shuffled or compacted, and tokens removed before the LLM (table A3 of FEATHER).

"Before the LLM" replays what the named method kept, so that no layer sees another token. Grid,
random, KNN, FasterVLM and VisionZip choose without the LLM. "Compact" numbers the remaining tokens
anew, as FasterVLM and VisionZip do by default; "shuffled" exchanges positions at random. share is
the mean share of visual tokens per layer. Intervals are 95 %, by image, exact where events
are rare.
"""

from prunescope.jobs import run

from prunescope.figures.tables import write_by_task as make

run(make, globals())
