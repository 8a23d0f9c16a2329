"""Answers to yes-no questions, and their measures by method, kind and name."""

import pandas as pd

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.yes_no import yes_no


def table(rows, method="m", kinds=("x", "y")):
    return pd.DataFrame(
        {
            "model": "tiny", "task": "exists", "method": method, "image": image,
            "example": str(number), "kind": kinds[number % len(kinds)], "prediction": answer,
            "target": true, "score": float(answer.strip(".").lower() == true),
        }
        for number, (image, answer, true) in enumerate(rows)
    )  # fmt: skip


def measures(records):
    result = yes_no(records, Bootstrap(resamples=200))
    return result.set_index(["method", "kind", "measure"])
