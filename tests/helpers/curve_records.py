"""Records of a reading curve whose accuracies are known, in the stored schema."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

DEPTH, TOKENS = 12, 36
POINTS = {"text-only": 0, "no-image-k3": 3, "no-image-k6": 6, "no-image-k9": 9, "unpruned": DEPTH}
BOX = [0.0, 0.0, 0.5, 0.5]


def records(
    right: Mapping[str, Sequence[int]],
    questions: int = 100,
    per_image: int = 2,
    points: Mapping[str, int] = POINTS,
    seed: int | None = None,
) -> pd.DataFrame:
    """Records of one model at every point.

    right: for each task, how many of its questions are answered right at each of `points`; `locate`
    has boxes. The first ones are right, so that answers are nested; with a seed, every task in an
    order of its own. Tasks share their images.
    """
    rows = []
    for task, counts in right.items():
        order = np.arange(questions)
        if seed is not None:
            order = np.random.default_rng([seed, len(rows)]).permutation(questions)
        for (method, layer), count in zip(points.items(), counts, strict=True):
            whole = method == "unpruned"
            rows += [
                {
                    "model": "tiny", "task": task, "example": f"{task}-{index}", "method": method,
                    "image": f"image-{index // per_image}", "score": float(order[index] < count),
                    "iou": np.nan, "invalid": False, "kv_bytes": 1,
                    "target_box": BOX if task == "locate" else [],
                    "mean_tokens": np.float32(TOKENS * layer / DEPTH),
                    "stage_layers": np.array([] if whole else [layer], np.int16),
                    "kept": [] if whole else [np.array([], np.int16)],
                }
                for index in range(questions)
            ]  # fmt: skip
    return pd.DataFrame(rows)
