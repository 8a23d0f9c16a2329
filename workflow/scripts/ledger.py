"""Judge the paper's claims on the records and scores of one model."""

from pathlib import Path

import yaml

from prunescope import findings
from prunescope.plotting import write_table
from prunescope.scripting import run
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.inputs import read_records, read_scores


def make(
    records, attention, reference, methods, ledger, published, benchmarks,
    library, claims, bootstrap, stands_for,
):  # fmt: skip
    records, scores = read_records(records, findings.COLUMNS), read_scores(attention)
    paper = findings.read_reference(Path(reference[0]).parent)
    methods = yaml.safe_load(Path(methods).read_text())
    study = findings.Evidence(records, scores, methods, library, claims, Bootstrap(**bootstrap))
    write_table(findings.judge_claims(study, paper), ledger)
    write_table(findings.side_by_side(study, paper, stands_for), published)
    compared = findings.by_benchmark(study, paper, stands_for, claims["tolerance"])
    write_table(compared, benchmarks)


run(make, globals())
