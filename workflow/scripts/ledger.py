"""Judge the paper's claims on a model's records and scores, and put its numbers beside ours."""

from prunescope.jobs import run

from pathlib import Path

import yaml

from prunescope import claims
from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading import read_records, read_scores


def make(records, attention, reference, methods, ledger, published, benchmarks, judging):
    stored = read_records(records, claims.COLUMNS), read_scores(attention)
    paper = claims.read_reference(Path(reference[0]).parent)
    methods = yaml.safe_load(Path(methods).read_text())
    judged_by = judging["library"], judging["claims"], Bootstrap(**judging["bootstrap"])
    study = claims.Evidence(*stored, methods, *judged_by)
    tables.write(claims.judge_claims(study, paper), ledger)
    tables.write(claims.compare_groups(study, paper, judging["stands_for"]), published)
    tables.write(claims.compare_benchmarks(study, paper, judging["stands_for"]), benchmarks)


run(make, globals())
