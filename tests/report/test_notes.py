"""Tasks that a model answers in no form that can be judged are sentences so."""

import pandas as pd

from helpers import synthetic
from prunescope.report.notes import silent


def test_only_what_is_invalid_throughout_is_named():
    records = synthetic.records(4).assign(invalid=False)
    mute = records.assign(model="mute", invalid=True)
    odd = records.assign(model="odd")
    odd["invalid"] = (odd["task"] == "color") & odd["method"].isin(["fastv", "uniform"])
    sentences = silent(pd.concat([records, mute, odd]))
    assert sentences["tiny"] == []
    assert len(sentences["mute"]) == len(synthetic.TASKS)
    assert all("no answer of any method" in sentence for sentence in sentences["mute"])
    [sentence] = sentences["odd"]
    assert sentence.startswith("Task color: no answer of fastv, uniform can be read")
    odd.loc[odd.index[odd["invalid"]][0], "invalid"] = False  # one answer of one of them
    assert "fastv, uniform" not in silent(odd)["odd"][0]
