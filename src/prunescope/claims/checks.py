"""A check of a claim: an effect, and where the claim wants it."""

from dataclasses import dataclass

from prunescope.claims.evidence import Effect, Evidence
from prunescope.claims.published import Published
from prunescope.claims.verdicts import ABOVE
from prunescope.figures.theme import style
from prunescope.statistics.accuracy import BASELINE, LOCALIZATION


@dataclass(frozen=True)
class Check:
    """measure: what the effect is; unit: one of `words.UNITS`; wanted: where, of `bound`, as in
    `words.judge`; methods: whose budgets in `group` (of tasks) are stated beside it; fair: whether
    these must be matched; note: what a reader must know of the effect."""

    measure: str
    effect: Effect
    unit: str
    bound: float
    published: Published
    wanted: str = ABOVE
    methods: tuple[str, ...] = ()
    group: str = ""
    fair: bool = False
    note: str = ""


def compare(
    study: Evidence, method: str, reference: str, group: str, bound: float, paper: Published, **more
) -> Check:
    """Accuracy in a group of tasks, `method` minus `reference`."""
    names = [style(each).label for each in (method, reference)]
    lost = method == BASELINE
    measure = f"accuracy lost with {names[1]}" if lost else f"accuracy, {names[0]} minus {names[1]}"
    effect = study.difference(method, reference, group)
    return Check(
        f"{measure}: {group}", effect, "points", bound, paper,
        methods=(method, reference), group=group, **more,
    )  # fmt: skip


def compare_fairly(study: Evidence, method: str, reference: str, shown: Published) -> Check:
    """Localization of two pruning methods, which must have spent the same."""
    bound = study.settings["smallest"]
    return compare(study, method, reference, LOCALIZATION, bound, shown, fair=True)
