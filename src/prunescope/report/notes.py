"""Sentences that a reader must know before the answers of a model."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq


def left_out(paths: Iterable[Path | str]) -> dict[str, list[str]]:
    """Sentences by model on what was left out, as its records state, without repetitions."""
    sentences: dict[str, dict[str, None]] = defaultdict(dict)
    for path in paths:
        metadata = pq.read_schema(path).metadata or {}
        if text := metadata.get(b"left_out", b"").decode():
            sentences[metadata[b"model"].decode()][f"{text[0].upper()}{text[1:]}."] = None
    return {model: list(texts) for model, texts in sentences.items()}


def silent(records: pd.DataFrame) -> dict[str, list[str]]:
    """Sentences by model, one for each task in which all answers of a method are `invalid`."""
    invalid = records.groupby(["model", "task", "method"], sort=False)["invalid"].all()
    sentences: dict[str, list[str]] = {model: [] for model in records["model"].unique()}
    for (model, task), by_method in invalid.groupby(level=["model", "task"], sort=False):
        methods = by_method.index[by_method].get_level_values("method")
        if len(methods):
            names = "any method" if by_method.all() else ", ".join(methods)
            sentences[model].append(
                f"Task {task}: no answer of {names} can be read, so that accuracy is 0 whatever "
                "the model sees."
            )
    return sentences
