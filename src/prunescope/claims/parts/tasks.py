"""Parts of claims about which tasks FastV harms, and which do not notice."""

from collections.abc import Iterator

import pandas as pd

from prunescope.claims import published
from prunescope.claims.checks import Check, Premise, compare, in_words
from prunescope.claims.evidence import Evidence
from prunescope.claims.published import EARLY, Published, Row
from prunescope.claims.verdicts import WITHIN
from prunescope.method_names import BASELINE, label
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, OTHER

UNPRUNED, FASTV = Row("Table A2", "unpruned"), Row("Table A2", "fastv", **EARLY)


def localization_suffers(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FastV at the early depth costs localization more than the other tasks (Table A2)."""
    published_value = published.difference(paper, UNPRUNED, FASTV, CONTRAST)
    for fastv in evidence.single_stage("fastv", evidence.early):
        bound, note = evidence.thresholds.min_extra_loss, evidence.left_out
        yield compare(evidence, BASELINE, fastv, CONTRAST, bound, published_value, note=note)


def more_of_what_the_image_adds(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FastV at the early depth costs localization a larger share of what the image adds to text
    only. A task that text alone answers has little to lose in points."""
    published_value = published.relative_contrast(paper, UNPRUNED, FASTV)
    for floor in evidence.text_only:
        for fastv in evidence.single_stage("fastv", evidence.early):
            yield Check(
                f"Share lost of what the image adds to text only, {CONTRAST}: “{label(fastv)}”",
                evidence.share_lost(fastv, floor),
                "share",
                evidence.thresholds.min_extra_share,
                published_value,
                methods=(BASELINE, fastv),
                group=CONTRAST,
                note=evidence.left_out,
            )


def others_do_not_notice(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FastV answers other tasks as if its tokens were dropped before any layer saw them
    (Figure 4). A task that FastV itself harms says nothing: two ruins look alike."""
    published_value = Published("no difference to be seen in 8 tasks, no numbers", "Figure 4")
    bound = evidence.thresholds.max_unnoticed_loss
    for fastv in evidence.single_stage("fastv", evidence.early):
        for replay in evidence.replays_of(fastv):
            for task in evidence.tasks(OTHER):
                premises = _unharmed(evidence, fastv, task), *_seen(evidence, task)
                yield compare(
                    evidence, fastv, replay, task, bound, published_value,
                    wanted=WITHIN, note=evidence.left_out, premises=premises,
                )  # fmt: skip


def others_hardly_notice(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """FastV at the early depth answers each other task about as well as the unpruned model
    (Table A2)."""
    bound = evidence.thresholds.max_unnoticed_loss
    for fastv in evidence.single_stage("fastv", evidence.early):
        for task in evidence.tasks(OTHER):
            yield compare(
                evidence, BASELINE, fastv, task, bound,
                published.loss(paper, UNPRUNED, FASTV, task, bound),
                wanted=WITHIN, note=evidence.left_out, premises=_seen(evidence, task),
            )  # fmt: skip


def positions_are_essential(evidence: Evidence, paper: pd.DataFrame) -> Iterator[Check]:
    """Localization loses when visual tokens exchange positions (Table A3)."""
    rows = (Row("Table A3", name) for name in ("unpruned", "position-shuffle"))
    published_value = published.difference(paper, *rows, LOCALIZATION)
    bound = evidence.thresholds.min_extra_loss
    for shuffled in evidence.methods_of_kind("position-shuffle"):
        yield compare(evidence, BASELINE, shuffled, LOCALIZATION, bound, published_value)


def _unharmed(evidence: Evidence, method: str, task: str) -> Premise:
    """The method answers a task about as well as the unpruned model."""
    return Premise(
        in_words(BASELINE, method, task),
        evidence.difference(BASELINE, method, task),
        "points",
        evidence.thresholds.max_unnoticed_loss,
        "premise absent: where FastV itself harms a task, an equal loss before the language model "
        "proves nothing",
        WITHIN,
    )


def _seen(evidence: Evidence, task: str) -> tuple[Premise, ...]:
    """The image adds more to a task than may go unnoticed; none if nobody measured text only."""
    bound = evidence.thresholds.max_unnoticed_loss
    return tuple(
        Premise(
            in_words(BASELINE, floor, task),
            evidence.difference(BASELINE, floor, task),
            "points",
            bound,
            "premise absent: a task to which the image adds nothing cannot notice",
        )
        for floor in evidence.text_only
    )
