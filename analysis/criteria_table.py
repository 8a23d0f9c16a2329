"""Accuracy by criterion and layer K (table 1 of FEATHER), with controls of equal count.

Compare rows of one K. share is the realised mean share of visual tokens per layer. The union of
score and grid keeps more tokens than the others; the rows named after its budget keep as many, all
chosen by the score without RoPE. Localization and other tasks are means over tasks. Intervals are
95 %, by image, exact where events are rare; tables of differences compare pairs.
"""

from prunescope.jobs import run

from prunescope.figures.tables import write_by_task as make

run(make, globals())
