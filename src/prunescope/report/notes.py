"""What a reader must know of a model's answers, in sentences."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq


def left_out(paths: Iterable[Path | str]) -> dict[str, list[str]]:
    """By model, what its files of records say was left out, each once."""
    said: dict[str, dict[str, None]] = defaultdict(dict)
    for path in paths:
        about = pq.read_schema(path).metadata or {}
        if text := about.get(b"left_out", b"").decode():
            said[about[b"model"].decode()][f"{text[0].upper()}{text[1:]}."] = None
    return {model: list(texts) for model, texts in said.items()}


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
