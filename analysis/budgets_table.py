"""FEATHER, FastV and PyramidDrop at two budgets (table A2 of FEATHER).

The paper's own settings, which are not matched: read share, what a layer sees on average of the
visual tokens as realised, before the accuracies. The first three pruned rows are the frugal budget,
the others the generous one. Localization and other tasks are means over tasks, each counting the
same; intervals are 95 %, by image.
"""

from prunescope.jobs import run

from prunescope.figures.tables import write_by_task as make

run(make, globals())
