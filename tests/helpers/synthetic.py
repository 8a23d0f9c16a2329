"""Records and scores in the stored schema, drawn from a seed, without a model."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

GRID, DEPTH = (6, 6), 4
N = GRID[0] * GRID[1]
TASKS = ("locate", "color", "count")
# method -> (stages as (layer, tokens kept), chance that an answer right before stays right)
METHODS = {
    "unpruned": ((), 1.0),
    "fastv": (((1, 9),), 0.3),
    "fastv-norope": (((1, 9),), 0.6),
    "uniform": (((1, 9),), 0.5),
    "feather": (((1, 13), (2, 4)), 0.8),
    "pyramiddrop": (((1, 18), (2, 9), (3, 4)), 0.7),
}


def scores(images: int = 20, per_image: int = 2, tilt: float = 4.0, seed: int = 0) -> xr.DataArray:
    """Scores with a pull `tilt` to the bottom at layer 1 with RoPE that fades with depth."""
    rng = np.random.default_rng(seed)
    examples = images * per_image
    noise = rng.standard_normal((examples, DEPTH, 2, *GRID))
    height = (np.arange(GRID[0]) / GRID[0])[:, None] * np.ones(GRID)
    pull = tilt / np.arange(1, DEPTH + 1)[:, None] * np.array([1, 0])
    return xr.DataArray(
        (noise + pull[None, :, :, None, None] * height).astype(np.float32),
        dims=("example", "layer", "variant", "row", "col"),
        coords={
            "example": np.array([f"locate-{i}" for i in range(examples)], object),
            "image": (
                "example",
                np.array([f"image-{i // per_image}" for i in range(examples)], object),
            ),
            "layer": np.arange(1, DEPTH + 1),
            "variant": np.array(["rope", "norope"], object),
        },
        name="score",
    )


def _box(rng: np.random.Generator) -> list[float]:
    size = rng.uniform(0.2, 0.4)
    x, y = rng.uniform(0, 1 - size, 2)
    return [x, y, x + size, y + size]


def _words(box) -> str:
    return " ".join(str(int(v * 32)) for v in box)


def _record(rng, task, index, per_image, method, box, survives) -> dict:
    stages, stays = METHODS[method]
    localization = task == "locate"
    score = float(survives and rng.random() < (stays if localization else 0.5 + stays / 2))
    kept = [np.sort(rng.choice(N, count, replace=False)).astype(np.int16) for _, count in stages]
    bounds = [0, *(layer for layer, _ in stages), DEPTH]
    widths, counts = np.diff(bounds), [N, *(count for _, count in stages)]
    prediction = box if score else _box(rng)
    answer = _words(prediction) if localization else ("red" if score else "blue")
    invalid = localization and not score and rng.random() < 0.1
    return {
        "model": "tiny", "task": task, "example": f"{task}-{index}", "method": method,
        "image": f"image-{index // per_image}", "kind": ("pair", "attribute")[index % 2],
        "prediction": "yes" if invalid else answer,
        "target": _words(box) if localization else "red",
        "score": np.float32(score),
        "iou": np.float32((0.8 if score else 0.1) * (not invalid)) if localization else np.nan,
        "invalid": bool(invalid),
        "target_box": [np.float32(v) for v in box] if localization else [],
        "mean_tokens": np.float32((widths * counts).sum() / DEPTH),
        "kv_bytes": int((widths * counts).sum() * 64),
        "stage_layers": np.array([layer for layer, _ in stages], np.int16), "kept": kept,
    }  # fmt: skip


def records(images: int = 20, per_image: int = 2, seed: int = 0) -> pd.DataFrame:
    """One row per (task, example, method); the tasks share their images."""
    rng = np.random.default_rng(seed)
    rows = []
    for task in TASKS:
        for index in range(images * per_image):
            box, survives = _box(rng), rng.random() < 0.9
            rows += [_record(rng, task, index, per_image, m, box, survives) for m in METHODS]
    return pd.DataFrame(rows)


def write(folder: Path, images: int = 20) -> dict[str, list[Path]]:
    """The files of a study: {"records": one per task, "attention": one}."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for task, part in records(images).groupby("task"):
        paths.append(folder / f"{task}.parquet")
        part.to_parquet(paths[-1], index=False)
    values = scores(images)
    alone = values.sel(variant=["rope"]).assign_coords(variant=np.array(["rope-alone"], object))
    store = write_scores(folder / "locate.zarr", xr.concat([values, alone], "variant"))
    return {"records": paths, "attention": [store]}


def write_scores(
    path: Path, values: xr.DataArray, model: str = "tiny", task: str = "locate"
) -> Path:
    """A store of scores, with the attributes model and task."""
    values.to_dataset().assign_attrs(model=model, task=task).to_zarr(path, zarr_format=2)
    return path
