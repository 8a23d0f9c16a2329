"""Explanations of the bias, and what each predicts of a decoder that has not seen an image.

A prediction is put to the scores of one decoder, with its weights and with random ones, over tokens
without content. One that fails refutes its explanation.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from prunescope.claims.verdicts import ABOVE, WITHIN, claim_verdict, judge

TRAINED, UNTRAINED = "after training on text", "with random weights"
WORDS, CONSTANT = "words", "constant"  # drawn words; one word repeated, so that norms are equal
WITH, WITHOUT = "rope", "norope"
VARIANTS = {WITH: "with RoPE", WITHOUT: "without RoPE"}
MEASURES = {"mean_row": "position of kept tokens", "first": "kept tokens in the first quarter"}


@dataclass(frozen=True)
class Prediction:
    """What an explanation says of one measure: its distance from the value without a preference.

    weights: TRAINED or UNTRAINED. variant: of the score. wanted: ABOVE or WITHIN the bound.
    """

    weights: str
    variant: str
    wanted: str
    measure: str = "mean_row"
    content: str = WORDS

    @property
    def words(self) -> str:
        """The prediction in words."""
        what = "more than chance" if self.wanted == ABOVE else "as chance"
        if self.measure == "mean_row":
            what = "at the end" if self.wanted == ABOVE else "no preference"
        repeated = ", one word repeated" if self.content == CONSTANT else ""
        score = f"{VARIANTS[self.variant]} in the score{repeated}"
        return f"{MEASURES[self.measure]} {self.weights}, {score}: {what}"


# Each names who holds it. RoPE: 2412.13180. Causal mask: 2502.01951, 2603.10123. Text: 2508.17807.
# Encoder: 2509.21984. Norms: 2503.17349, 2510.08510.
EXPLANATIONS = {
    "RoPE alone: rotation weakens far tokens in any decoder": (
        Prediction(UNTRAINED, WITH, ABOVE),
        Prediction(TRAINED, WITH, ABOVE),
        Prediction(TRAINED, WITHOUT, WITHIN),
    ),
    "the causal mask favours early tokens, whatever the position encoding": (
        Prediction(UNTRAINED, WITHOUT, ABOVE, "first"),
        Prediction(TRAINED, WITHOUT, ABOVE, "first"),
    ),
    "training on text teaches nearness, which RoPE carries": (
        Prediction(UNTRAINED, WITH, WITHIN),
        Prediction(TRAINED, WITH, ABOVE),
        Prediction(TRAINED, WITHOUT, WITHIN),
    ),
    "vision encoder and decoder do not fit: no preference without an image": (
        Prediction(TRAINED, WITH, WITHIN),
    ),
    "norms of the tokens: no preference where all are equal": (
        Prediction(TRAINED, WITH, WITHIN, content=CONSTANT),
    ),
}
COLUMNS = ["explanation", "verdict", "K", "prediction", "value", "low", "high", "chance", "check"]


def judge_explanations(
    measures: pd.DataFrame, decoder: str, untrained: str, bound: float
) -> pd.DataFrame:
    """A row for each prediction and layer; columns COLUMNS.

    measures: rows of `statistics.places.preferences` with the columns model and content. decoder,
    untrained: the names of both sets of weights there. bound: the smallest distance from chance
    that counts as a preference. A value that was not measured leaves its prediction undecided.
    """
    found = measures.set_index(["model", "content", "variant", "measure", "layer"]).sort_index()
    models = {TRAINED: decoder, UNTRAINED: untrained}
    layers = sorted(measures["layer"].unique())
    tables = []
    for explanation, predictions in EXPLANATIONS.items():
        rows = [row for each in predictions for row in _checked(each, found, models, layers, bound)]
        verdict = claim_verdict([[row["check"] for row in rows]])
        tables += [{"explanation": explanation, "verdict": verdict, **row} for row in rows]
    return pd.DataFrame(tables)[COLUMNS]


def _checked(
    prediction: Prediction, found: pd.DataFrame, models: dict, layers: list, bound: float
) -> Iterator[dict]:
    """A prediction at each layer, with what was found and its verdict."""
    kind = (prediction.content, prediction.variant, prediction.measure)
    unknown = pd.Series({name: np.nan for name in ("value", "low", "high", "chance")})
    for layer in layers:
        key = (models[prediction.weights], *kind, layer)
        row = found.loc[key] if key in found.index else unknown
        low, high = row["low"] - row["chance"], row["high"] - row["chance"]
        yield {
            "K": layer,
            "prediction": prediction.words,
            **row[["value", "low", "high", "chance"]],
            "check": judge(low, high, bound, prediction.wanted),
        }
