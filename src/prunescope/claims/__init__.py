"""The paper's claims, judged on a study, and the paper's numbers beside the study's.

`claims` states each claim once. `ledger` judges them on the `evidence` of a study, by the study's
`thresholds`. `published` looks up the paper's numbers; `side_by_side` puts them next to the
study's. The paper is FEATHER (arXiv 2412.13180).
"""

from prunescope.claims.evidence import COLUMNS, Evidence
from prunescope.claims.ledger import judge_claims
from prunescope.claims.published import read as read_reference
from prunescope.claims.side_by_side import compare_benchmarks, compare_groups
from prunescope.claims.thresholds import Thresholds

__all__ = [
    "COLUMNS",
    "Evidence",
    "Thresholds",
    "compare_benchmarks",
    "compare_groups",
    "judge_claims",
    "read_reference",
]
