"""What the paper claims, judged on a study, and its numbers beside ours.

`claims` states each claim once; `ledger` judges them on the `evidence` of a study; `published`
looks up the paper's numbers and `beside` puts them next to the study's. The paper is FEATHER
(arXiv 2412.13180).
"""

from prunescope.findings.beside import by_benchmark, side_by_side
from prunescope.findings.evidence import COLUMNS, Evidence
from prunescope.findings.ledger import judge_claims
from prunescope.findings.published import read as read_reference

__all__ = ["COLUMNS", "Evidence", "by_benchmark", "judge_claims", "read_reference", "side_by_side"]
