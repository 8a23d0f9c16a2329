"""A synthetic study whose answers can be swapped, to judge claims on."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from helpers import synthetic
from prunescope import claims
from prunescope.claims.evidence import Evidence
from prunescope.claims.thresholds import Thresholds
from prunescope.methods import LIBRARY
from prunescope.statistics import boxes
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.study.study import SCHEMA
from prunescope.study.yaml_files import read, with_defaults

ROOT = Path(__file__).parents[2]
FEW = Bootstrap(100)

ROPE, NOROPE = {"attention": {"rope": True}}, {"attention": {"rope": False}}
GRID = {"uniform": {"stride": 3, "start": "corner"}}
METHODS = {
    "unpruned": [],
    "fastv": [{"layer": 1, "remove": 0.75, "score": ROPE}],
    "fastv-norope": [{"layer": 1, "keep": 9, "score": NOROPE}],
    "uniform": [{"layer": 1, "score": {"uniform": {"stride": 2}}}],
    "feather": [
        {"layer": 1, "remove": 0.7, "score": NOROPE, "always": GRID},
        {"layer": 2, "remove": 0.7, "power": 2, "score": NOROPE},
    ],
    "pyramiddrop": [{"layer": k, "remove": 0.7, "score": ROPE} for k in (1, 2, 3)],
    # copies: answers of another method (`COPIES`) under these stages
    "before": [{"layer": 0, "score": {"replay": {"method": "fastv"}}}],
    "shuffled": [{"layer": 0, "keep": 1.0, "positions": "shuffled", "score": {"random": {}}}],
    "union": [{"layer": 1, "remove": 0.75, "score": NOROPE, "always": GRID}],
    "norope-later": [{"layer": 2, "keep": 9, "score": NOROPE}],
    "early-before": [{"layer": 0, "score": {"replay": {"method": "fastv-norope"}}}],
    "later-before": [{"layer": 0, "score": {"replay": {"method": "norope-later"}}}],
    "fastv-as-feather": [{"layer": 1, "remove": 0.7986, "score": ROPE}],
    "norope-as-union": [{"layer": 1, "remove": 0.5926, "score": NOROPE}],
    "lattice-as-feather": [{"layer": 1, "remove": 0.7986, "score": {"lattice": {}}}],
    "lattice-as-union": [{"layer": 1, "remove": 0.5926, "score": {"lattice": {}}}],
    "random-as-feather": [{"layer": 1, "remove": 0.7986, "score": {"random": {}}}],
    "text-only": [{"layer": 0, "score": {"none": {}}}],
}
# of a study that asks for more: FEATHER at other layers, and its stages alone
MORE = {
    "feather-there": [
        {"layer": 2, "remove": 0.7, "score": NOROPE, "always": GRID},
        {"layer": 3, "remove": 0.7, "power": 2, "score": NOROPE},
    ],
    "first-stage": [{"layer": 1, "remove": 0.7, "score": NOROPE, "always": GRID}],
    "second-stage": [{"layer": 2, "remove": 0.91, "score": NOROPE}],
}

COPIES = {
    "before": "fastv",
    "shuffled": "fastv",
    "union": "feather",
    "norope-later": "feather",
    "early-before": "fastv-norope",
    "later-before": "feather",
    "fastv-as-feather": "fastv",
    "norope-as-union": "fastv-norope",
    "lattice-as-feather": "uniform",
    "lattice-as-union": "uniform",
    "random-as-feather": "uniform",
    "text-only": "no image",
    "feather-there": "feather",
    "first-stage": "feather",
    "second-stage": "fastv",
}
SPENT = {"fastv-as-feather": 14.25, "union": 20.0, "norope-as-union": 20.0}  # of 36 tokens
SPENT |= {"lattice-as-feather": 14.25, "lattice-as-union": 20.0}
SPENT |= {"random-as-feather": 14.25, "text-only": 0.0}
# All claims hold: FEATHER is clearly better than PyramidDrop, and FastV harms localization alone.
UNHARMED = {"locate": "fastv", "*": "unpruned"}
BETTER = {"pyramiddrop": "fastv", "fastv": UNHARMED, "before": UNHARMED}


@cache
def library():
    return yaml.safe_load(LIBRARY.read_text())


drawn = cache(synthetic.records)


def thresholds(**changed):
    """The thresholds of the schema; layers 1 and 2 of the 4 are early and later."""
    default = with_defaults({}, read(SCHEMA))["claims"]
    default |= {"early_depth": 0.25, "later_depth": 0.5, "max_budget_gap": 0.25}
    return Thresholds(**default | changed)


def study(tilt=4.0, swap=None, methods=METHODS, images=100, known=None, **changed):
    """A study. swap: method -> method whose answers it has, or such methods by task, "*" for all
    other tasks; known: a library of its own."""
    answers = {name: name for name in synthetic.METHODS} | COPIES | (swap or {})
    parts = [_answers(images, answers[name]).assign(method=name) for name in methods]
    answered = pd.concat(parts, ignore_index=True)
    answered["mean_tokens"] = answered["method"].map(SPENT).fillna(answered["mean_tokens"])
    scores = synthetic.scores(images, tilt=tilt)
    return Evidence(answered, scores, methods, known or library(), thresholds(**changed), FEW)


def _answers(images, source):
    """Records of a method of `synthetic`, or of methods by task; "no image": every fourth answer of
    the unpruned model."""
    records = drawn(images)
    by_task = source if isinstance(source, dict) else {"*": source}
    of_task = records["task"].map(by_task).fillna(by_task["*"])
    answered = records[records["method"] == of_task.replace("no image", "unpruned")].copy()
    guessed = of_task[answered.index] == "no image"
    number = answered["example"].str.rpartition("-")[2].astype(int)
    answered.loc[guessed & (number % 4 != 0), "score"] = 0.0
    return answered


def as_many(evidence, *methods):
    """Lets methods spend as many tokens as FEATHER."""
    for method in methods:
        evidence.budgets[method] = evidence.budgets["feather"]
    return evidence


def without(*names):
    return {name: stages for name, stages in METHODS.items() if name not in names}


def attend_to_boxes(evidence, layer):
    """Lets the scores without RoPE find the true box at a layer."""
    true = evidence.records.drop_duplicates("example").set_index("example")["target_box"]
    true = np.stack(true.reindex(evidence.scores["example"].values).to_list())
    cells = boxes.box_cells(true, synthetic.GRID).reshape(-1, *synthetic.GRID)
    evidence.scores.loc[{"layer": layer, "variant": "norope"}] += 9 * cells
    return evidence


def judged(evidence):
    return claims.judge_claims(evidence, claims.read_reference())


def of_claim(evidence, number, beside=""):
    """Verdict, note and checks of one claim, or of what stands beside it under a title."""
    table = judged(evidence)
    of_number = table[table["number"] == number]
    rows = of_number[of_number["beside"].fillna("") == beside]
    if beside and len(rows):
        return rows["beside verdict"].iloc[0], rows["beside note"].iloc[0], rows
    return of_number["verdict"].iloc[0], of_number["note"].iloc[0], rows
