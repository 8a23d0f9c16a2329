"""The configuration of a study: its schema, its methods, and checks before anything runs.

Imports no torch, so that a workflow can be planned fast; `checkpoint` and `check_models` do, when
they are called.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prunescope.errors import InputError, known
from prunescope.hub import origins
from prunescope.hub.integrity import MODEL, SETTINGS, check_folder
from prunescope.method_names import BASELINE
from prunescope.study import figure_options, paths, variations
from prunescope.study.parameters import Stages
from prunescope.study.variations import Wanted
from prunescope.study.yaml_files import Config, checked, read
from prunescope.tasks.card import Task, read_task, read_tasks, task_of

if TYPE_CHECKING:
    pass

SCHEMA = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"
TASKS = Path(paths.CARDS)


def load(path: Path | str) -> Config:
    """The complete configuration in the file `path`; paths in it start at the project's folder."""
    return complete(read(path), str(path))


def complete(config: Mapping[str, Any], source: str) -> Config:
    """The configuration with its defaults. Raises InputError, naming `source`, the key and what
    is allowed, for anything that can be told wrong without a model."""
    config = checked(config, SCHEMA, source)
    for name, model in config["models"].items():
        model["path"] = origins.folder_of(name, model, f"{source}: models.{name}")
    config["reports"] = config["reports"] or f"reports/{config['name']}"
    cards = [card.stem for card in TASKS.glob("*.yaml")]
    if not cards:
        raise InputError(f"there are no task cards in {TASKS} here; go to the project's folder")
    for name in config["tasks"]:
        known(name, cards, f"{source}: tasks")
    cards = read_tasks(TASKS, config["tasks"])
    for name in config["tasks"]:
        for model in config["models"].values():
            task_of(TASKS / f"{name}.yaml", model, config)
    config["methods"] = _in_arithmetic(config["methods"], config["numerics"])
    available = methods(config, source)
    figure_options.check(config, available, source)
    if available.get(BASELINE) != []:
        raise InputError(
            f"{source}: methods: {BASELINE!r} must be one of them, and have no stages: what others "
            "lose and spend is told against it"
        )
    _check_calibration(config, cards, source)
    return config


def _check_calibration(config: Config, cards: Mapping[str, Task], source: str) -> None:
    """Methods are matched on examples of the first task (or the one named) that no figure shows."""
    calibration = config["calibration"]
    calibration["task"] = calibration["task"] or config["tasks"][0]
    task = cards[known(calibration["task"], cards, f"{source}: calibration.task")]
    if config["matched"] and calibration["split"] == task.split:
        raise InputError(
            f"{source}: calibration.split: {task.split!r} is the split of task {task.name!r} that "
            "is evaluated; name another of its splits"
        )


def methods(config: Config, source: str) -> dict[str, Stages]:
    """The stages of each method of the study, by name, as plain data.

    First those that are `fixed`, then those that are `wanted`: these have some value of what is to
    be solved for.
    """
    matched = {each.name: each.stages for each in wanted(config, source)}
    return fixed(config, source) | matched


def fixed(config: Config, source: str) -> dict[str, Stages]:
    """The methods of the study as it writes them, and of its sweeps."""
    return variations.fixed(config, read_library(config), source)


def wanted(config: Config, source: str) -> list[Wanted]:
    """The methods of the study that are to be solved for a budget."""
    return variations.wanted(config, read_library(config), source)


def read_library(config: Config) -> dict[str, Stages]:
    """The stages of the methods that may be called by name."""
    return _in_arithmetic(read(config["library"]), config["numerics"])


def _in_arithmetic(methods: Any, numerics: str) -> Any:
    """Methods, however nested, whose attention scores are computed as the `numerics` have it."""
    if numerics == "exact" or not isinstance(methods, dict | list):
        return methods
    if isinstance(methods, list):
        return [_in_arithmetic(each, numerics) for each in methods]
    return {
        key: {"arithmetic": "model"} | each
        if key == "attention"
        else _in_arithmetic(each, numerics)
        for key, each in methods.items()
    }


def model_files(model: Mapping[str, Any]) -> list[str]:
    """The files of a model's folder that its answers depend on: weights and all settings, or the
    marker of what is fetched. InputError if a folder that should be there has no weights, or if
    the hub's cache has lost what was fetched."""
    folder = Path(model["path"])
    if origins.origin_of(model):
        marker = folder / origins.MARKER
        lost = [each for each in folder.glob("*") if not each.exists()]
        if lost and marker.is_file():
            raise InputError(f"{lost[0]} links to nothing; remove {marker} to fetch again")
        return [str(marker)]
    check_folder(folder, MODEL, "path")
    return sorted({str(file) for kind in (*MODEL, *SETTINGS) for file in folder.glob(kind)})


def job_models(config: Config) -> dict[str, dict[str, Any]]:
    """What a job must know of each model: not where it comes from, which its files tell."""
    needed = ("path", "sha256", "protocol", "resize")
    return {name: {key: each[key] for key in needed} for name, each in config["models"].items()}


def is_generated(task: str) -> bool:
    """Whether the examples of a task are made on the spot, and need not be fetched."""
    return read_task(TASKS / f"{task}.yaml").source == "testbed"


def splits(config: Config, task: str) -> list[str]:
    """Those of a task's splits that the study reads."""
    own, calibration = read_task(TASKS / f"{task}.yaml").split, config["calibration"]
    asked = config["matched"] and calibration["task"] == task
    return [own, calibration["split"]] if asked else [own]
