"""A check of a claim: an effect, and the side of a threshold on which the claim wants it."""

from dataclasses import dataclass
from typing import Any

from prunescope.claims.evidence import Effect, Evidence
from prunescope.claims.published import Published
from prunescope.claims.verdicts import ABOVE
from prunescope.method_names import BASELINE, label
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, OTHER

SUBJECTS = {CONTRAST: f", {CONTRAST}", OTHER: " on the other tasks"}  # others: " on <group>"


@dataclass(frozen=True)
class Check:
    """An effect and its threshold.

    measure: what the effect measures, in words; unit: key of `report.numbers.UNITS`; bound and
    wanted: as in `verdicts.judge`; methods: those whose budgets are shown, in `group` of tasks;
    matched: whether their budgets must match; note: what a reader must know of the effect.
    """

    measure: str
    effect: Effect
    unit: str
    bound: float
    published: Published
    wanted: str = ABOVE
    methods: tuple[str, ...] = ()
    group: str = ""
    matched: bool = False
    note: str = ""


def compare(
    evidence: Evidence,
    method: str,
    reference: str,
    group: str,
    bound: float,
    published: Published,
    **options: Any,
) -> Check:
    """Accuracy of `method` minus that of `reference` in a group of tasks."""
    subject, (first, second) = SUBJECTS.get(group, f" on {group}"), map(label, (method, reference))
    loss = f"Accuracy lost{subject}: “{second}”"
    change = f"Accuracy{subject}: “{first}” minus “{second}”"
    return Check(
        measure=loss if method == BASELINE else change,
        effect=evidence.difference(method, reference, group),
        unit="points",
        bound=bound,
        published=published,
        methods=(method, reference),
        group=group,
        **options,
    )


def compare_matched(evidence: Evidence, method: str, reference: str, published: Published) -> Check:
    """Localization accuracy of two pruning methods whose budgets must match."""
    bound = evidence.thresholds.min_accuracy_difference
    return compare(evidence, method, reference, LOCALIZATION, bound, published, matched=True)
