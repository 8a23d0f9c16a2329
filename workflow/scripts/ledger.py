"""Judge the paper's claims on the records and scores of one model."""

from pathlib import Path

import yaml

from prunescope.findings import COLUMNS, Evidence, judge_claims, read_reference, side_by_side
from prunescope.plotting import write_table
from prunescope.scripting import run
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.inputs import read_records, read_scores


def make(records, attention, reference, ledger, published, methods, library, claims, bootstrap):
    records, scores = read_records(records, COLUMNS), read_scores(attention)
    paper = read_reference(Path(reference[0]).parent)
    methods = yaml.safe_load(Path(methods).read_text())
    study = Evidence(records, scores, methods, library, claims, Bootstrap(**bootstrap))
    write_table(judge_claims(study, paper), ledger)
    write_table(side_by_side(study, paper), published)


run(make, globals())
