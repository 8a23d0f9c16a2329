"""The contract of model families, as checks for authors of adapters:

    from prunescope.testing.models import check_model
    check_model(model, inputs, singles)

A failed check raises AssertionError with what is wrong. One thing cannot be checked on any model:
that a token lies in the picture where its family says. An adapter's own tests must show that.
"""

from collections.abc import Sequence

from torch import nn

from prunescope.testing.pruned import (
    check_a_batch_equals_one_by_one,
    check_counts_and_order,
    check_dropping_is_masking,
    check_further_turns_go_on,
    check_keeping_all_is_identity,
    check_nothing_stays,
    check_the_cache_is_short,
)
from prunescope.testing.scores import (
    check_later_stages_score_what_is_left,
    check_recorded_scores_are_attention,
    check_recorded_scores_give_the_kept_tokens,
    check_scores_are_attention,
)
from prunescope.testing.selections import (
    check_features_are_those_of_the_tokens,
    check_places_follow_the_raster,
    check_received_is_the_attention_of_the_tower,
    check_rotary_is_that_of_the_model,
    check_selections_do_not_depend_on_the_batch,
)
from prunescope.testing.trial import Inputs, Trial

CHECKS = (
    check_keeping_all_is_identity,
    check_dropping_is_masking,
    check_further_turns_go_on,
    check_a_batch_equals_one_by_one,
    check_counts_and_order,
    check_the_cache_is_short,
    check_rotary_is_that_of_the_model,
    check_places_follow_the_raster,
    check_features_are_those_of_the_tokens,
    check_received_is_the_attention_of_the_tower,
    check_selections_do_not_depend_on_the_batch,
    check_scores_are_attention,
    check_recorded_scores_are_attention,
    check_recorded_scores_give_the_kept_tokens,
    check_later_stages_score_what_is_left,
    check_nothing_stays,
)


def check_model(model: nn.Module, inputs: Inputs, singles: Sequence[Inputs]) -> None:
    """Run all checks of a model family on one model.

    model: a small one with random weights, in float32, with eager or sdpa attention and at least 4
        decoder layers.
    inputs: several prompts together, padded on the left, as keyword arguments of the model with
        `input_ids` and `attention_mask`; ideally of different lengths, with images of different
        sizes.
    singles: the same prompts one by one.
    """
    trial = Trial(model, inputs, singles)
    for check in CHECKS:
        check(trial)
