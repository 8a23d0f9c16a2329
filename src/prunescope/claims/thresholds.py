"""What the claims are judged by: the key `claims` of a study's file."""

from collections.abc import Sequence
from dataclasses import dataclass

NUMBERS = "numbers"  # `paper_layers`: a layer of the paper is the layer of the same number


@dataclass(frozen=True)
class Thresholds:
    """Numbers that the ledger judges by; study.schema.yaml gives their defaults and reasons.

    early_depth, later_depth: the two depths that claims compare, as fractions of the layers or as
    layers.
    remove: fraction R that a judged method of one stage removes.
    min_extra_loss: smallest loss of accuracy that counts as far more, or as essential.
    min_extra_share: smallest extra loss that counts as far more, as a share of what the image adds.
    max_unnoticed_loss: largest change of a task's accuracy, up or down, that counts as unnoticed.
    min_accuracy_difference: smallest difference of accuracy between methods that is of interest.
    min_position_shift: smallest shift of kept tokens that counts; 1 is the height of the image.
    published_tolerance: difference from a published accuracy that counts as none.
    min_images: fewest images that a check is judged on.
    max_budget_gap: largest difference of T/N at which two budgets count as matched.
    paper_layers: where the paper's layers are in this model: at the same "fractions" of the depth,
    or at the same "numbers".
    reading_curve_methods: methods that remove where this model has read as much of the image as
    the paper's model at the paper's layers.
    """

    early_depth: float
    later_depth: float
    remove: float
    min_extra_loss: float
    min_extra_share: float
    max_unnoticed_loss: float
    min_accuracy_difference: float
    min_position_shift: float
    published_tolerance: float
    min_images: int
    max_budget_gap: float
    paper_layers: str
    reading_curve_methods: Sequence[str]
