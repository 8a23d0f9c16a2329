"""Thresholds of the claims: the key `claims` of a study's file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Numbers that the ledger judges by; study.schema.yaml gives their defaults and reasons.

    early_depth, later_depth: the two depths that claims compare, as fractions of the layers.
    remove: fraction R that a judged method of one stage removes.
    min_extra_loss: smallest loss of accuracy that counts as far more, or as essential.
    max_unnoticed_loss: largest change of a task's accuracy, up or down, that counts as unnoticed.
    min_accuracy_difference: smallest difference of accuracy between methods that is of interest.
    min_position_shift: smallest shift of kept tokens that counts; 1 is the height of the image.
    published_tolerance: difference from a published accuracy that counts as none.
    min_images: fewest images that a check is judged on.
    max_budget_gap: largest difference of T/N at which two budgets count as matched.
    """

    early_depth: float
    later_depth: float
    remove: float
    min_extra_loss: float
    max_unnoticed_loss: float
    min_accuracy_difference: float
    min_position_shift: float
    published_tolerance: float
    min_images: int
    max_budget_gap: float
