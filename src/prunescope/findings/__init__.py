"""Findings in words: each claim of the paper beside the study's number and what it says.

Everything follows from the tables of `analysis/`: signs, sizes and verdicts are read off intervals,
so that another study gives other sentences. The paper is FEATHER (arXiv 2412.13180).
"""

from dataclasses import dataclass

from prunescope.findings import accuracy, position
from prunescope.findings.words import UNTESTED, Tables


@dataclass(frozen=True)
class Finding:
    """claim: what the paper says; published: its number; here: ours, in words; verdict: one of
    `words.MATCHES`, `DIFFERS`, `OPEN`, `UNTESTED`."""

    claim: str
    published: str
    here: str
    verdict: str


def findings(tables: Tables) -> list[Finding]:
    """All findings, in the order of the argument; at least one for each claim.

    tables: by name of the analysis script; a claim whose table is missing is not tested.
    """
    found = []
    for claim, published, needed, judge in CLAIMS:
        rows = list(judge(tables)) if all(name in tables for name in needed) else []
        missing = [("The study has no result that bears on this.", UNTESTED)]
        found += [Finding(claim, published, here, verdict) for here, verdict in rows or missing]
    return found


# claim, published effect, tables that it needs, judge
CLAIMS = (
    (
        "At small K the kept tokens concentrate at the bottom of the image.",
        "mean height 0.807 at K = 3 of 32, R = 0.75",
        ["mean_kept_row"],
        position.concentration,
    ),
    (
        "The concentration is less at later layers.",
        "Figure 3, K = 3 to 24; no numbers",
        ["mean_kept_row"],
        position.depth,
    ),
    (
        "RoPE in the score causes the concentration.",
        "by removing it; no numbers",
        ["mean_kept_row"],
        position.rope,
    ),
    (
        "RoPE in the score makes the choice depend on the row (implied, not measured).",
        "none",
        ["mean_kept_row"],
        position.unevenness,
    ),
    (
        "Early pruning harms localization far more than other tasks.",
        "K = 3, R = 0.75: localization 53.2 to 5.9, VQA 64.1 to 54.8, challenge 66.1 to 64.0",
        ["differences"],
        accuracy.localization,
    ),
    (
        "Most other tasks hardly notice.",
        "0.1 to 7.9 % lost, except TextVQA (42 %)",
        ["differences"],
        accuracy.hardly_noticed,
    ),
    (
        "Removing RoPE from the score recovers localization.",
        "5.9 to 16.7 at K = 3, 23.3 to 27.3 at K = 8",
        ["differences"],
        accuracy.better("fastv-norope", "fastv"),
    ),
    (
        "Later layers select better.",
        "without RoPE: 16.7 at K = 3, 27.3 at K = 8",
        ["differences"],
        accuracy.better("fastv-norope", "fastv-norope"),
    ),
    (
        "Later layers select more of the target.",
        "masks in figures A2 and A3; no numbers",
        ["box_recall"],
        position.recall_by_layer,
    ),
    (
        "FEATHER locates better than FastV.",
        "39.3 against 5.9",
        ["differences"],
        accuracy.better("feather", "fastv"),
    ),
    (
        "FEATHER locates better than PyramidDrop.",
        "39.3 against 28.9",
        ["differences"],
        accuracy.better("feather", "pyramiddrop"),
    ),
    (
        "Targets at the bottom survive, those at the top do not (implied, not measured).",
        "none",
        ["vertical_position"],
        accuracy.height,
    ),
)
