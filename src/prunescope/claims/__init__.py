"""What the paper claims, judged on a study, and its numbers beside ours.

`claims` states each claim once; `ledger` judges them on the `evidence` of a study; `published`
looks up the paper's numbers and `beside` puts them next to the study's. The paper is FEATHER
(arXiv 2412.13180).
"""

from prunescope.claims.evidence import COLUMNS, Evidence
from prunescope.claims.ledger import judge_claims
from prunescope.claims.published import read as read_reference
from prunescope.claims.side_by_side import by_benchmark, side_by_side

__all__ = ["COLUMNS", "Evidence", "by_benchmark", "judge_claims", "read_reference", "side_by_side"]
