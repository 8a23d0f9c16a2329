"""The decoders that a study probes: where each lies, what it depends on, its results. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunescope.errors import InputError
from prunescope.hub.decoders import PRETRAINED
from prunescope.hub.integrity import MODEL, SETTINGS, check_folder
from prunescope.hub.origins import HOME, MARKER

SOURCES = ("pretrained", "hub", "path")
UNTRAINED = "-untrained"  # end of the name of an architecture with random weights
Config = Mapping[str, Any]


@dataclass(frozen=True)
class Probed:
    """A decoder in a folder; trained: whether its weights are those of the folder, or random.

    source: of `SOURCES`; key: of the configuration, for messages.
    """

    name: str
    path: str
    trained: bool
    source: str
    key: str

    def settings(self) -> dict[str, Any]:
        """Fields of `prunescope.probing.decoders.Decoder`."""
        return {"name": self.name, "path": self.path, "trained": self.trained}

    def files(self) -> list[str]:
        """Files that its scores depend on, or what a rule makes of it. InputError for a folder
        without a model."""
        if self.source == "pretrained":
            return [self.path]
        if self.source == "hub":
            return [f"{self.path}/{MARKER}"]
        folder = Path(self.path)
        check_folder(folder, MODEL, self.key)
        return sorted({str(file) for kind in (*MODEL, *SETTINGS) for file in folder.glob(kind)})


def check(config: Config, source: str) -> None:
    """Raise InputError unless each decoder has exactly one source, and a name of its own."""
    entries, models = config["probe"]["decoders"], config["models"]
    for name, decoder in entries.items():
        where, given = f"{source}: probe.decoders.{name}", _given(decoder)
        if len(given) != 1:
            sources = " and ".join(given) or "none"
            raise InputError(f"{where}: give one of {list(SOURCES)}; found {sources}")
        if name in models or f"{name}{UNTRAINED}" in {*entries, *models}:
            raise InputError(f"{where}: the name is taken by another model or decoder")


def probed(config: Config) -> dict[str, Probed]:
    """All decoders by name; one with `untrained` comes a second time, as <name>-untrained."""
    found = {}
    for name, decoder in config["probe"]["decoders"].items():
        [source] = _given(decoder)
        where = (_folder(name, decoder), source, f"probe.decoders.{name}.{source}")
        for row, trained in ((name, True), (f"{name}{UNTRAINED}", False)):
            if trained or decoder["untrained"]:
                found[row] = Probed(row, where[0], trained, *where[1:])
    return found


def downloads(config: Config) -> dict[str, dict[str, Any]]:
    """Downloads by the folder to write: `key`, `part` and `request` of
    `prunescope.checkpoints.download`."""
    return {
        _folder(name, decoder): {
            "key": f"probe.decoders.{name}.hub",
            "part": "decoder",
            "request": decoder["hub"],
        }
        for name, decoder in config["probe"]["decoders"].items()
        if decoder["hub"] is not None
    }


def stores(config: Config, home: str) -> list[str]:
    """Paths of all stores of scores; home: folder of the study's results."""
    contents = config["probe"]["contents"]
    return [
        f"{home}/probe/{name}/{content}.zarr" for name in probed(config) for content in contents
    ]


def _given(decoder: Config) -> list[str]:
    return [source for source in SOURCES if decoder[source] is not None]


def _folder(name: str, decoder: Config) -> str:
    if decoder["pretrained"] is not None:
        return f"{PRETRAINED}/{decoder['pretrained']}"
    return decoder["path"] or f"{HOME}/{name}"
