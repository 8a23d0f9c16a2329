"""Questions with yes or no: accuracy, F1, how often the answer is yes, and whole images.

By task and kind of question, with 95 % intervals, by image. F1 is that of yes, as in POPE; a model
that always says yes reaches 0.67 where half of the answers are yes, and the measure yes shows it.
accuracy_plus is the share of images without a wrong answer; MME's score of a kind is 100 times the
sum of both accuracies. Compare each method with the unpruned model.
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
