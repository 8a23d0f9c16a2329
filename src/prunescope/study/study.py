"""A study: the configuration in its file, completed and checked before anything runs. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from prunescope.errors import InputError, known
from prunescope.hub import origins
from prunescope.method_names import BASELINE
from prunescope.methods import LIBRARY
from prunescope.study import figure_options, probes, variations
from prunescope.study.parameters import Stages
from prunescope.study.variations import Wanted
from prunescope.study.yaml_files import Config, checked, read
from prunescope.tasks.card import Task, find_card, find_cards, read_task, task_of

SCHEMA = Path(__file__).with_name("study.schema.yaml")
EXECUTION = ("dtype", "attn", "numerics", "device", "data")  # settings that jobs with models need


@dataclass(frozen=True, eq=False)
class Study:
    """A complete configuration and the file that it is from.

    config: all keys of the schema, defaults filled in; source: the file, which begins the messages
    of errors. Paths in the configuration start at the project's folder.
    """

    config: Config
    source: str

    @classmethod
    def load(cls, path: Path | str) -> "Study":
        """The study in a YAML file."""
        return cls.of(read(path), str(path))

    @classmethod
    def of(cls, config: Mapping[str, Any], source: str) -> "Study":
        """The study of a configuration. InputError names the source, the key and what is allowed,
        for every mistake that can be found without opening a model."""
        study = cls(_completed(config, source), source)
        study._check_tasks()
        probes.check(study.config, source)
        figure_options.check(study.config, study.methods, source)
        study._check_methods()
        study._check_claims()
        study._check_calibration()
        return study

    @property
    def name(self) -> str:
        return self.config["name"]

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Models by name, each with the folder that it is in or will be written to."""
        return self.config["models"]

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """Tasks by name, as their cards describe them."""
        access = self.config["data"]
        return {name: read_task(self.card(name), access=access) for name in self.config["tasks"]}

    def card(self, task: str) -> Path:
        """File of a task's card."""
        return find_card(task)

    def task_for(self, task: str, model: str) -> Task:
        """A task in the protocol and image size that a model asks for."""
        return task_of(self.card(task), self.models[model], self.config)

    def limit(self, task: str) -> int | None:
        """Number of questions of a task that are answered; None for all."""
        limits = self.config["limits"]
        return limits["tasks"].get(task, limits["evaluate"])

    def splits(self, task: str) -> list[str]:
        """Splits of a task that the study reads: evaluated ones, and those of the calibration."""
        evaluated, calibration = self.tasks[task].split, self.config["calibration"]
        calibrated = self.config["matched"] and calibration["task"] == task
        return [evaluated, calibration["split"]] if calibrated else [evaluated]

    @cached_property
    def library(self) -> dict[str, Stages]:
        """Stages of the methods that a study may call by name."""
        return self._with_numerics(read(self.config["library"] or LIBRARY))

    @cached_property
    def fixed(self) -> dict[str, Stages]:
        """Stages of the methods that the study writes or sweeps."""
        written = self._with_numerics(self.config["methods"])
        return variations.fixed(written, self.config["sweeps"], self.library, self.source)

    @cached_property
    def wanted(self) -> list[Wanted]:
        """Methods that are to be solved for a budget."""
        return variations.wanted(self.config["matched"], self.library, self.fixed, self.source)

    @cached_property
    def methods(self) -> dict[str, Stages]:
        """Stages of all methods by name: `fixed`, then `wanted`, at any value of what is solved."""
        return self.fixed | {method.name: method.stages for method in self.wanted}

    @property
    def execution(self) -> dict[str, Any]:
        """How a job runs a model: arithmetic, device and where data lie."""
        return {key: self.config[key] for key in EXECUTION}

    @property
    def bootstrap(self) -> dict[str, Any]:
        """Fields of `statistics.bootstrap.Bootstrap`."""
        return self.config["bootstrap"] | {"seed": self.config["seed"]}

    def _with_numerics(self, methods: Any) -> Any:
        """Methods, however nested, with attention scores in the study's arithmetic."""
        if self.config["numerics"] == "exact" or not isinstance(methods, dict | list):
            return methods
        if isinstance(methods, list):
            return [self._with_numerics(part) for part in methods]
        return {
            key: {"arithmetic": "model"} | part if key == "attention" else self._with_numerics(part)
            for key, part in methods.items()
        }

    def _check_tasks(self) -> None:
        """Every task has a card, and the card has the protocol of every model."""
        cards = find_cards()
        for task in self.config["tasks"]:
            known(task, cards, f"{self.source}: tasks")
        for task in self.config["limits"]["tasks"]:  # inherited ones need not be tasks of the study
            known(task, cards, f"{self.source}: limits.tasks")
        for task in self.config["tasks"]:
            for model in self.models:
                self.task_for(task, model)

    def _check_methods(self) -> None:
        if self.methods.get(BASELINE) != []:
            raise InputError(
                f"{self.source}: methods: {BASELINE!r} must be one of them, without stages; every "
                "other method is compared with it"
            )

    def _check_claims(self) -> None:
        for name in self.config["claims"]["reading_curve_methods"]:
            known(name, self.methods, f"{self.source}: claims.reading_curve_methods")

    def _check_calibration(self) -> None:
        """Budgets are matched on a split that no figure shows."""
        calibration, where = self.config["calibration"], f"{self.source}: calibration"
        task = self.tasks[known(calibration["task"], self.tasks, f"{where}.task")]
        if self.config["matched"] and calibration["split"] == task.split:
            raise InputError(
                f"{where}.split: {task.split!r} is the split of task {task.name!r} that is "
                "evaluated; name another of its splits"
            )


def _completed(config: Mapping[str, Any], source: str) -> Config:
    """The configuration with defaults of the schema, and those that follow from other keys."""
    config = checked(config, SCHEMA, source)
    for name, model in config["models"].items():
        model["path"] = origins.folder_of(name, model, f"{source}: models.{name}")
    config["reports"] = config["reports"] or f"reports/{config['name']}"
    calibration = config["calibration"]
    calibration["task"] = calibration["task"] or config["tasks"][0]
    return config
