"""Judge the paper's claims on a model's records and scores, beside the published numbers."""

from prunescope.jobs import run

from pathlib import Path

import yaml

from prunescope import claims
from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading import read_records, read_scores


def make(records, attention, reference, methods, ledger, published, benchmarks, judging):
    evidence = claims.Evidence(
        records=read_records(records, claims.COLUMNS),
        scores=read_scores(attention),
        methods=yaml.safe_load(Path(methods).read_text()),
        library=judging["library"],
        thresholds=claims.Thresholds(**judging["claims"]),
        bootstrap=Bootstrap(**judging["bootstrap"]),
    )
    paper, stands_for = claims.read_reference(Path(reference[0]).parent), judging["stands_for"]
    tables.write(claims.judge_claims(evidence, paper), ledger)
    tables.write(claims.compare_groups(evidence, paper, stands_for), published)
    tables.write(claims.compare_benchmarks(evidence, paper, stands_for), benchmarks)


run(make, globals())
