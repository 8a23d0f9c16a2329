"""Models, data sets and archives that a study fetches before it runs, and their sizes. No torch."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path

from prunescope.hub import origins
from prunescope.study.study import Study
from prunescope.tasks.card import Task

UNKNOWN = math.nan


def downloads(study: Study) -> dict[str, float]:
    """Gigabytes by model, data set or archive; UNKNOWN where neither the study nor a card says.

    What several tasks share is listed once. Models that are there are left out, and so are data
    with a folder of their own. The hub's cache is not looked at.
    """
    models = {
        f"model {name}": model.get("gigabytes")
        for name, model in study.models.items()
        if not origins.is_present(model)
    }
    data = {
        name: size
        for task in study.tasks.values()
        if task.source != "testbed"
        for name, size in (task.gigabytes or {task.name: None}).items()
        if not _is_present(task, name)
    }
    return {k: UNKNOWN if v is None else v for k, v in (models | data).items()}


def _is_present(task: Task, name: str) -> bool:
    """Whether a data set or archive of the task has its folder already: the one that the study
    gives instead of an organisation of the hub, or that of the task's images."""
    if task.hub and name in (task.hub["repo"], task.name):
        return Path(task.access.repository(task.hub["repo"])).is_dir()
    under = (task.images or {}).get("under")
    if under is None:
        return False
    if under == ".":  # shared with other tasks: the archive unpacks to a folder of its own name
        return any(task.access.folder.glob(f"*/{Path(name).stem}"))
    return (task.access.folder / under).is_dir()


def instructions(study: Study, sizes: Collection[str]) -> dict[str, str]:
    """How to get, by task, those of the downloads `sizes` that are not repositories of the hub."""
    lines = {
        task.name: [part["how"] for part in (task.folder, task.images) if part and "how" in part]
        for task in study.tasks.values()
        if any("/" not in name and name in sizes for name in task.gigabytes)
    }
    return {name: " ".join(parts) for name, parts in lines.items()}


def repositories(study: Study) -> Mapping[str, list[str]]:
    """Repositories of the hub by model that is made from some, named as in `downloads`."""
    return {
        f"model {name}": [
            download["request"]["repo"] for download in origins.downloads({name: model}).values()
        ]
        for name, model in study.models.items()
        if origins.origin_of(model)
    }
