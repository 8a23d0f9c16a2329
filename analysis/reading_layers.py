"""By which layer has the model read the image, and where would the paper's layers be in it?

adds: unpruned minus text alone. half, most: the K by which half and 90 % of that is there, on the
rising line closest to the reading curve. Last columns: layers at the same place on the curve of
localization. The paper's models have read by half of their depth: layer 16 of 32 stands where this
one has read 90 %, others in proportion. Intervals: 95 %, by image.
"""

from prunescope.jobs import run

from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS
from prunescope.statistics.reading import read_records
from prunescope.statistics.reading_curve import PAPER_LAYERS, Curve


def make(records, csv, paper_layers=PAPER_LAYERS, bootstrap: Bootstrap = Bootstrap()):
    """paper_layers: layers of the paper's models for which the table has a column."""
    curve = Curve.of(read_records(records, COLUMNS))
    tables.write(curve.reading(bootstrap, paper_layers), csv)


run(make, globals())
