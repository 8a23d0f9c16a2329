"""Questions with yes or no: accuracy, F1, how often the answer is yes, and whole images.

By task and kind of question, with 95 % intervals that resample images. F1 is of yes, as POPE
reports it; a model that says yes to everything has an F1 of 0.67 where half of the answers are yes,
which the measure "yes" gives away. accuracy_plus is the share of images with no wrong answer; MME's
score of a kind is 100 times the sum of accuracy and accuracy_plus. Read a method against the
unpruned model: pruning that makes it say yes more often is not better at finding things.
"""

from prunescope.jobs import run

from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading import read_records
from prunescope.statistics.yes_no import yes_no


def make(records, csv, bootstrap: Bootstrap = Bootstrap()):
    records = read_records(records, ["kind", "prediction", "target", "score"])
    tables.write(yes_no(records, bootstrap), csv)


run(make, globals())
