"""FEATHER, FastV and PyramidDrop at two budgets (table A2 of FEATHER).

These are the paper's own settings, which are not matched: read share, the realised mean share of
visual tokens per layer, before the accuracies. The first three pruned rows are the frugal budget,
the others the generous one. Localization and other tasks are means over tasks, each counting the
same. Intervals are 95 %, by image, exact where events are rare.
"""

from prunescope.jobs import run

from prunescope.figures.tables import write_by_task as make

run(make, globals())
