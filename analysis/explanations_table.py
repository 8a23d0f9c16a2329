"""Explanations of the bias, each with what it predicts of decoders before they see an image.

A row is a prediction at a layer K: the value with its 95 % interval, by prompt, beside the value
without a preference (chance). Position: 0 is the start of the sequence, 1 its end. A prediction
fails where the whole interval lies on the wrong side of a bound, and one that fails refutes its
explanation.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.claims.explanations import judge_explanations
from prunescope.errors import InputError
from prunescope.figures import tables
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.places import preferences, read_places
from prunescope.study.probes import UNTRAINED

LAYERS = (1, 2, 3)
BOUND = 0.05  # as `min_position_shift` of the claims


def make(probes, csv, layers=LAYERS, remove=0.75, bound=BOUND, bootstrap: Bootstrap = Bootstrap()):
    """layers: K of the rows; remove: fraction of the tokens removed; bound: smallest distance from
    chance that counts as a preference. InputError without a decoder that has `untrained: true`."""
    parts = {
        names: preferences(scores.sel(layer=scores["layer"].isin(layers)), remove, bootstrap)
        for names, scores in read_places(probes, []).items()
    }
    measures = pd.concat(parts, names=["model", "content", None]).reset_index(["model", "content"])
    judged = {
        name: judge_explanations(measures, name, f"{name}{UNTRAINED}", bound)
        for name in dict.fromkeys(measures["model"])
        if f"{name}{UNTRAINED}" in set(measures["model"])
    }
    if not judged:
        raise InputError("tables.explanations_table: no decoder of `probe` has `untrained: true`")
    tables.write(pd.concat(judged, names=["decoder", None]).reset_index("decoder"), csv)


run(make, globals())
