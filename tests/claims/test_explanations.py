"""Verdicts on explanations of the bias, from made-up measures of a decoder."""

import pandas as pd
import pytest

from prunescope.claims.explanations import EXPLANATIONS, judge_explanations
from prunescope.claims.verdicts import FAILS, HOLDS, OPEN

CHANCE = {"mean_row": 0.5, "first": 0.25}
ROPE, MASK, TEXT, ENCODER, NORMS = EXPLANATIONS


def measures(**shifts):
    """Measures at K = 3; shifts: distance from chance by weights, content, variant and measure."""
    rows = []
    for model in ("d", "d-untrained"):
        for content in ("words", "constant"):
            for variant in ("rope", "norope"):
                for measure, chance in CHANCE.items():
                    shift = shifts.get(f"{model[2:] or 'trained'}_{variant}_{measure}", 0.0)
                    value = chance + shift
                    row = dict(model=model, content=content, variant=variant, measure=measure)
                    rows.append(
                        row
                        | dict(layer=3, value=value, low=value - 0.02, high=value + 0.02)
                        | dict(chance=chance)
                    )
    return pd.DataFrame(rows)


def verdicts(table):
    judged = judge_explanations(table, "d", "d-untrained", 0.05)
    return judged.drop_duplicates("explanation").set_index("explanation")["verdict"].to_dict()


def test_a_bias_that_training_brings_and_rope_carries_is_that_of_text():
    found = verdicts(measures(trained_rope_mean_row=0.2))
    assert found == {ROPE: FAILS, MASK: FAILS, TEXT: HOLDS, ENCODER: FAILS, NORMS: FAILS}


def test_a_bias_of_all_weights_is_that_of_rope():
    found = verdicts(measures(trained_rope_mean_row=0.2, untrained_rope_mean_row=0.2))
    assert (found[ROPE], found[TEXT]) == (HOLDS, FAILS)


def test_a_preference_for_the_start_without_rope_is_that_of_the_mask():
    shifts = {f"{weights}_norope_first": 0.2 for weights in ("trained", "untrained")}
    assert verdicts(measures(**shifts))[MASK] == HOLDS


@pytest.mark.parametrize("shift, verdict", [(0.0, HOLDS), (0.04, OPEN), (0.2, FAILS)])
def test_no_preference_without_an_image_leaves_encoder_and_norms(shift, verdict):
    found = verdicts(measures(trained_rope_mean_row=shift))
    assert (found[ENCODER], found[NORMS]) == (verdict, verdict)


def test_a_measure_that_is_missing_leaves_its_explanation_undecided():
    table = measures(trained_rope_mean_row=0.2)
    assert verdicts(table[table["content"] == "words"])[NORMS] == OPEN
