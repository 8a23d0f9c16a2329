"""A check of a claim: an effect, and the side of a threshold on which the claim wants it."""

from dataclasses import dataclass
from typing import Any

from prunescope.claims.evidence import Effect, Evidence
from prunescope.claims.multiplicity import widened
from prunescope.claims.published import Published
from prunescope.claims.verdicts import ABOVE, FAILS, HOLDS, OPEN, UNMATCHED, UNTESTABLE, judge
from prunescope.method_names import BASELINE, label
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, OTHER

SUBJECTS = {CONTRAST: f", {CONTRAST}", OTHER: " on the other tasks"}  # others: " on <group>"


@dataclass(frozen=True)
class Premise:
    """What must be true before a check can say anything.

    measure, effect, unit, bound, wanted: as of a `Check`; lack: what the ledger notes where it is
    not true.
    """

    measure: str
    effect: Effect
    unit: str
    bound: float
    lack: str
    wanted: str = ABOVE

    def verdict(self, evidence: Evidence, tests: int = 1) -> str:
        """Verdict on the premise itself, corrected for a number of tests."""
        return _judged(self.effect, self.bound, self.wanted, evidence, tests)


@dataclass(frozen=True)
class Check:
    """An effect and its threshold.

    measure: what the effect measures, in words; unit: key of `report.numbers.UNITS`; bound and
    wanted: as in `verdicts.judge`; methods: those whose budgets are shown, in `group` of tasks;
    matched: whether their budgets must match; note: what a reader must know of the effect; floors:
    accuracy of text only beside the effect's two values; premises: all must be true.
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
    floors: tuple[float, float] = (float("nan"), float("nan"))
    premises: tuple[Premise, ...] = ()

    def premise(self, evidence: Evidence) -> Premise | None:
        """The premise that decides: the one that is farthest from being true."""
        order = [FAILS, OPEN, HOLDS]
        by_truth = sorted(self.premises, key=lambda each: order.index(each.verdict(evidence)))
        return by_truth[0] if by_truth else None

    def verdict(self, evidence: Evidence, tests: int = 1) -> str:
        """Where the effect's interval lies, corrected for a number of tests.

        Not testable if a premise is not true, and at best undecided if one is. Undecided on fewer
        than `min_images` images. Not matched where budgets differ by more than `max_budget_gap`
        and the larger budget favours the verdict.
        """
        premises = {premise.verdict(evidence, tests) for premise in self.premises}
        if FAILS in premises:
            return UNTESTABLE
        verdict = _judged(self.effect, self.bound, self.wanted, evidence, tests)
        few = self.effect.units < evidence.thresholds.min_images
        if self.matched and not few and self._favour(verdict, evidence):
            return UNMATCHED
        return OPEN if OPEN in premises else verdict

    def _favour(self, verdict: str, evidence: Evidence) -> bool:
        """Whether the budgets differ in a way that may explain the verdict."""
        first, second = (evidence.budget(name, self.group) for name in self.methods)
        gap = first - second
        favour = {HOLDS: gap, FAILS: -gap, OPEN: abs(gap)}[verdict]
        return favour > evidence.thresholds.max_budget_gap


def _judged(effect: Effect, bound: float, wanted: str, evidence: Evidence, tests: int) -> str:
    if effect.units < evidence.thresholds.min_images:
        return OPEN
    wide = widened(effect, tests, evidence.bootstrap.level)
    return judge(wide.low, wide.high, bound, wanted)


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
    return Check(
        measure=in_words(method, reference, group),
        effect=evidence.difference(method, reference, group),
        unit="points",
        bound=bound,
        published=published,
        methods=(method, reference),
        group=group,
        floors=evidence.floors(group),
        **options,
    )


def in_words(method: str, reference: str, group: str) -> str:
    """What the difference of two methods in a group of tasks measures."""
    subject, (first, second) = SUBJECTS.get(group, f" on {group}"), map(label, (method, reference))
    loss = f"Accuracy lost{subject}: “{second}”"
    change = f"Accuracy{subject}: “{first}” minus “{second}”"
    return loss if method == BASELINE else change


def compare_matched(evidence: Evidence, method: str, reference: str, published: Published) -> Check:
    """Localization accuracy of two pruning methods whose budgets must match."""
    bound = evidence.thresholds.min_accuracy_difference
    return compare(evidence, method, reference, LOCALIZATION, bound, published, matched=True)
