"""The reading curve as a table: accuracy when all visual tokens go before layer K.

K = 0 is text alone, the last row the unpruned model. Behind the accuracies: the share of what the
image adds to text alone that is there at K, of localization and of the mean of the other tasks; it
is empty where the image adds no more than noise. Intervals are 95 %, by image.
"""

from prunescope.jobs import run

from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS
from prunescope.statistics.reading import read_records
from prunescope.statistics.reading_curve import Curve, wide


def make(records, csv, bootstrap: Bootstrap = Bootstrap()):
    """records: Parquet files of one model, with the methods of a reading curve."""
    curve = Curve.of(read_records(records, COLUMNS))
    tables.write(wide(curve.accuracies(bootstrap)), csv)


run(make, globals())
