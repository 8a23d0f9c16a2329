"""Where a study's models come from: a folder, the hub, or the parts of a Prismatic one. No torch.

What is fetched or converted leaves a marker in the model's folder when all of it is there. It says
what was `asked` for, as the configuration does, and the `origin`, each repository with its commit.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prunescope.errors import InputError

HOME = "data/models"
MARKER = "origin.json"
SOURCES = ("hub", "prismatic")
PARTS = ("checkpoint", "vision", "dino", "tokenizer")  # of a Prismatic model
Model = Mapping[str, Any]  # of a complete configuration


def source(model: Model) -> str | None:
    """Which of SOURCES the model comes from; None for a folder that is there."""
    return next((each for each in SOURCES if model[each] is not None), None)


def folder(name: str, model: Model, where: str) -> str:
    """The model's folder. InputError, which begins with `where`, unless there is one source."""
    given = [each for each in SOURCES if model[each] is not None]
    if len(given) > 1 or not (given or model["path"]):
        found = f"both {' and '.join(given)} are given" if given else "no source is given"
        raise InputError(
            f"{where}: {found}; allowed: one of path (a folder), hub and prismatic, where path "
            "beside another is the folder to write"
        )
    return model["path"] or f"{HOME}/{name}"


def downloads(models: Mapping[str, Model]) -> dict[str, dict[str, Any]]:
    """What there is to fetch, by the folder that it goes to: `asked`, what for (`part`), and the
    `key` that says so."""
    return {
        place: {"key": f"models.{name}.{key}", "part": part, "asked": asked}
        for name, model in models.items()
        for place, key, part, asked in _parts(model)
    }


def _parts(model: Model) -> Iterator[tuple[str, str, str, Mapping[str, str]]]:
    """Folder, key, part and what is asked for of each."""
    if source(model) == "hub":
        yield model["path"], "hub", "hub", model["hub"]
    elif source(model) == "prismatic":
        for part in parts(model["prismatic"]):
            yield f"{model['path']}/{part}", f"prismatic.{part}", part, model["prismatic"][part]


def parts(asked: Mapping[str, Any]) -> list[str]:
    """Those of PARTS that a Prismatic model has."""
    return [part for part in PARTS if asked.get(part) is not None]


def conversions(models: Mapping[str, Model]) -> dict[str, dict[str, Any]]:
    """What there is to convert, by the folder that it goes to: `asked`, and the `key` for it."""
    return {
        model["path"]: {"key": f"models.{name}.prismatic", "asked": model["prismatic"]}
        for name, model in models.items()
        if source(model) == "prismatic"
    }


def is_there(model: Model) -> bool:
    """Whether the model's folder holds what the configuration asks for."""
    kind = source(model)
    if kind is None:
        return Path(model["path"]).is_dir()
    return _read(model["path"]).get("asked") == model[kind]


def origin(folder: Path | str) -> list[str]:
    """Repositories with their commits, `organisation/name@commit`, that a folder was made of; empty
    for a folder without a marker."""
    return _read(folder).get("origin", [])


def mark(folder: Path | str, asked: Mapping[str, Any], origin: list[str]) -> None:
    """Say that all is there."""
    marker = {"asked": asked, "origin": origin}
    (Path(folder) / MARKER).write_text(json.dumps(marker, indent=2) + "\n")


def _read(folder: Path | str) -> dict[str, Any]:
    marker = Path(folder) / MARKER
    return json.loads(marker.read_text()) if marker.is_file() else {}
