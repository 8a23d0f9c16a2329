"""Where the models of a study come from: a folder, the hub, the parts of a Prismatic model, or a
pretrained decoder and what was trained on it.

A finished download, conversion or merger leaves a marker, `origin.json`, in the model's folder. Its
`request` is the configuration that was carried out; its `commits` name each repository used.
No torch.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prunescope.errors import InputError

HOME = "data/models"
MARKER = "origin.json"
ORIGINS = ("hub", "prismatic", "trained")  # keys of a model in a study
PARTS = ("checkpoint", "vision", "dino", "tokenizer")  # parts of a Prismatic model
Model = Mapping[str, Any]  # one model of a complete configuration


def origin_of(model: Model) -> str | None:
    """The key of ORIGINS that a model is made by; None for a folder that already exists."""
    return next((key for key in ORIGINS if model[key] is not None), None)


def folder_of(name: str, model: Model, where: str) -> str:
    """Folder of a model, by default `data/models/<name>`.

    InputError unless exactly one origin is given; where: start of its message.
    """
    given = [key for key in ORIGINS if model[key] is not None]
    if len(given) > 1 or not (given or model["path"]):
        problem = f"both {' and '.join(given)} are given" if given else "no source is given"
        raise InputError(
            f"{where}: {problem}; allowed: one of path (a folder), {', '.join(ORIGINS)}; path "
            "beside another is the folder to write"
        )
    return model["path"] or f"{HOME}/{name}"


def downloads(models: Mapping[str, Model]) -> dict[str, dict[str, Any]]:
    """Downloads that models need, by the folder to write.

    Each has the `request`, the `part` that the files are (a key of ORIGINS or PARTS), and the
    `key` of the configuration that asks for it.
    """
    return {
        folder: {"key": f"models.{name}.{key}", "part": part, "request": request}
        for name, model in models.items()
        for folder, key, part, request in _model_downloads(model)
    }


def _model_downloads(model: Model) -> Iterator[tuple[str, str, str, Mapping[str, str]]]:
    """Folder, key, part and request of each download of one model."""
    if origin_of(model) == "hub":
        yield model["path"], "hub", "hub", model["hub"]
    elif origin_of(model) == "prismatic":
        for part in parts_of(model["prismatic"]):
            yield f"{model['path']}/{part}", f"prismatic.{part}", part, model["prismatic"][part]


def parts_of(request: Mapping[str, Any]) -> list[str]:
    """The PARTS that the configuration of a Prismatic model names."""
    return [part for part in PARTS if request.get(part) is not None]


def conversions(models: Mapping[str, Model]) -> dict[str, dict[str, Any]]:
    """Conversions that models need, by the folder to write: `request` and its `key`."""
    return {
        model["path"]: {"key": f"models.{name}.prismatic", "request": model["prismatic"]}
        for name, model in models.items()
        if origin_of(model) == "prismatic"
    }


def mergers(models: Mapping[str, Model]) -> dict[str, dict[str, str]]:
    """Mergers that models need, by the folder to write: the `request` of each.

    It names the pretrained `decoder`, and the `folder` of what was trained on it.
    """
    return {
        model["path"]: model["trained"]
        for model in models.values()
        if origin_of(model) == "trained"
    }


def is_present(model: Model) -> bool:
    """Whether the model's folder holds what the configuration asks for."""
    origin = origin_of(model)
    if origin is None:
        return Path(model["path"]).is_dir()
    return _read_marker(model["path"]).get("request") == model[origin]


def commits_of(folder: Path | str) -> list[str]:
    """Repositories that a folder was made from, `organisation/name@commit`.

    Empty for a folder without a marker.
    """
    return _read_marker(folder).get("commits", [])


def write_marker(folder: Path | str, request: Mapping[str, Any], commits: list[str]) -> None:
    """Mark a folder as finished: `request` was carried out, from the repositories `commits`."""
    marker = {"request": request, "commits": commits}
    (Path(folder) / MARKER).write_text(json.dumps(marker, indent=2) + "\n")


def _read_marker(folder: Path | str) -> dict[str, Any]:
    marker = Path(folder) / MARKER
    return json.loads(marker.read_text()) if marker.is_file() else {}
