"""The models of a study as its jobs need them: files they depend on, and settings. No torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescope.errors import InputError
from prunescope.hub import origins
from prunescope.hub.integrity import MODEL, SETTINGS, check_folder

Model = Mapping[str, Any]  # one model of a complete configuration
NEEDED = ("path", "sha256", "protocol", "resize")


def model_files(model: Model) -> list[str]:
    """Files that the model's answers depend on: weights and settings, or the marker of a download.

    InputError if a folder that must exist has no weights, or if the hub's cache lost a file.
    """
    folder = Path(model["path"])
    if origins.origin_of(model):
        marker = folder / origins.MARKER
        lost = [file for file in folder.glob("*") if not file.exists()]
        if lost and marker.is_file():
            raise InputError(f"{lost[0]} links to nothing; remove {marker} to fetch again")
        return [str(marker)]
    check_folder(folder, MODEL, "path")
    return sorted({str(file) for kind in (*MODEL, *SETTINGS) for file in folder.glob(kind)})


def job_settings(model: Model) -> dict[str, Any]:
    """What a job must know of a model. Its files say where it comes from, so that is left out."""
    return {key: model[key] for key in NEEDED}
