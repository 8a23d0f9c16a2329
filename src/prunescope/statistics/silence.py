"""Tasks that a model answers in no form that can be judged."""

import pandas as pd


def silent(records: pd.DataFrame) -> dict[str, list[str]]:
    """By model, a sentence for each task in which all answers of a method are `invalid`."""
    cells = records.groupby(["model", "task", "method"], sort=False)["invalid"].all()
    said: dict[str, list[str]] = {model: [] for model in records["model"].unique()}
    for (model, task), found in cells.groupby(level=["model", "task"], sort=False):
        methods = found.index[found].get_level_values("method")
        if len(methods):
            whose = "any method" if found.all() else ", ".join(methods)
            said[model].append(
                f"Task {task}: no answer of {whose} can be read, so that accuracy there is 0 "
                "whatever the model sees."
            )
    return said
