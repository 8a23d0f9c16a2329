"""Judge the paper's claims on a model's records and scores, and put its numbers beside ours."""

from pathlib import Path

import yaml

from prunescope.scripting import run
from prunescope import findings, tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.inputs import read_records, read_scores


def make(records, attention, reference, methods, ledger, published, benchmarks, judging):
    stored = read_records(records, findings.COLUMNS), read_scores(attention)
    paper = findings.read_reference(Path(reference[0]).parent)
    methods = yaml.safe_load(Path(methods).read_text())
    judged_by = judging["library"], judging["claims"], Bootstrap(**judging["bootstrap"])
    study = findings.Evidence(*stored, methods, *judged_by)
    tables.write(findings.judge_claims(study, paper), ledger)
    tables.write(findings.side_by_side(study, paper, judging["stands_for"]), published)
    tables.write(findings.by_benchmark(study, paper, judging["stands_for"]), benchmarks)


run(make, globals())
