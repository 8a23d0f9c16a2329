"""Accuracy by criterion and layer K (table 1 of FEATHER), with controls of equal count.

Compare rows of one K. share is what a layer sees on average of the visual tokens, as realised. The
union of score and grid keeps more tokens than the others; the rows with "T of" it keep as many as
it does on average, but chosen by the score without RoPE alone, so that what the union gains on them
is not owed to its number. Localization and other tasks are means over tasks, each counting the
same. Intervals are 95 %, by image; those of two rows may overlap although the paired difference
(tables of differences) is clear.
"""

from prunescope.jobs import run

from prunescope.figures.tables import write_by_task as make

run(make, globals())
