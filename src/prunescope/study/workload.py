"""The work in a study: questions, answers, and the time that each job is expected to take.

Counts come from the configuration and the task cards, times from the measurements that `speeds`
reads. No torch.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prunescope.study import speeds
from prunescope.study.probes import probed
from prunescope.study.scripts import arguments, is_of_one_model
from prunescope.study.speeds import CORE, Speed
from prunescope.study.study import Study
from prunescope.tasks.card import Task

UNKNOWN = math.nan
OF_ONE_MODEL = ("methods", "ledger", "notebook", "notebook_page")  # rules without a model in memory


@dataclass(frozen=True)
class Work:
    """Questions of a task that a model is asked.

    methods: how many answer each question; questions: how many are answered; scored: how many have
    their attention stored. The last two are UNKNOWN where neither the study nor the card says.
    seconds: of one question with one method alone.
    """

    model: str
    task: str
    speed: Speed
    seconds: float
    methods: int
    questions: float
    scored: float

    @property
    def answers(self) -> float:
        return self.questions * self.methods

    def evaluation(self, shared: bool = True) -> float:
        """Seconds for all answers. shared: what methods have in common is computed once; one method
        is always counted in full."""
        ratio = self.speed.sharing if shared else 1
        return self.seconds * self.questions * max(self.methods * ratio, 1)

    def extraction(self) -> float:
        """Seconds for the attention scores."""
        return self.seconds * self.scored


@dataclass(frozen=True)
class Job:
    """Jobs of one rule that take equally long: `count` of them, each `seconds` of a core, or of a
    GPU. key: their `job_key`."""

    rule: str
    key: str
    unit: str
    seconds: float
    count: int = 1


def workload(study: Study) -> list[Work]:
    """Work by model and task."""
    speed = {
        name: speeds.speed(model["path"], study.config["batch_size"])
        for name, model in study.models.items()
    }
    return [
        Work(
            *(model, task.name, speed[model]),
            seconds=speed[model].seconds_of(task),
            methods=len(study.methods),
            questions=questions_of(task, study.limit(task.name)),
            scored=questions_of(task, study.config["limits"]["attention"]),
        )
        for model in study.models
        for task in study.tasks.values()
    ]


def questions_of(task: Task, limit: int | None) -> float:
    """Questions of a task within a limit; UNKNOWN where neither the limit nor the card says."""
    counts = (limit, task.examples)
    return min((count for count in counts if count is not None), default=UNKNOWN)


def jobs(study: Study) -> list[Job]:
    """All jobs of a report, except those that fetch models and data. Seconds are UNKNOWN where the
    number of questions is."""
    works = workload(study)
    of_first_task = {work.model: work for work in reversed(works)}.values()
    return [
        *(_of_task(study, work, "evaluate", work.evaluation()) for work in works),
        *(_of_task(study, work, "attention", work.extraction()) for work in works),
        *(job for work in of_first_task for job in _of_model(study, work)),
        *_without_model(study),
    ]


def _of_task(study: Study, work: Work, rule: str, seconds: float) -> Job:
    """Jobs of a rule that divides a task into shards. seconds: of all shards, without starts."""
    shards, start = study.config["shards"], speeds.rule_seconds()["start"]
    key = f"{work.model}/{work.task}"
    return Job(rule, key, work.speed.unit, start + seconds / shards, shards)


def _of_model(study: Study, work: Work) -> Iterator[Job]:
    """Jobs that are done once for a model, on questions like those of `work`."""
    config, key, unit = study.config, work.model, work.speed.unit
    start, read = speeds.rule_seconds()["start"], _results_read(study)
    if study.wanted:
        yield Job("calibrate", key, unit, start + work.seconds * config["calibration"]["examples"])
    if "operations" in read:
        yield Job("operations", key, unit, start + work.seconds * work.methods)
    if "timing" in read:
        timing = config["timing"]
        laps = timing["batch_size"] * (timing["repeats"] + timing["warmup"])
        yield Job("timing", key, unit, start + work.seconds * work.methods * laps)


def _results_read(study: Study) -> set[str]:
    """Results of one model that some figure or table asks for."""
    items = [*study.config["figures"], *study.config["tables"]]
    given = {argument for item in items for argument in arguments(item)}
    return {argument.removeprefix("every_") for argument in given}


def _without_model(study: Study) -> Iterator[Job]:
    """Jobs that draw and write, of each model or over all models, and those that probe."""
    measured, models = speeds.rule_seconds(), len(study.models)
    counts = dict.fromkeys(OF_ONE_MODEL, models) | {"page": 1}
    counts |= {"probe": len(probed(study.config))}
    for item in [*study.config["figures"], *study.config["tables"]]:
        counts[item] = models if is_of_one_model(item) else 1
    for rule, count in counts.items():
        yield Job(rule, "", CORE, measured.get(rule, measured["item"]), count)


def seconds_by_rule(study: Study) -> dict[str, dict[str, float]]:
    """Expected seconds of a job by rule and `job_key`, where they are known."""
    table: dict[str, dict[str, float]] = defaultdict(dict)
    for job in jobs(study):
        if not math.isnan(job.seconds):
            table[job.rule][job.key] = job.seconds
    return dict(table)


def job_key(wildcards: Mapping[str, str]) -> str:
    """Model and task of a job, as far as it has them, such as "rope/locate"."""
    return "/".join(wildcards[name] for name in ("model", "task") if name in wildcards)


def total_seconds(study: Study) -> dict[str, float]:
    """Seconds of the whole study by unit: of a core, and of a GPU for models that need one."""
    totals: dict[str, float] = defaultdict(float)
    for job in jobs(study):
        totals[job.unit] += job.seconds * job.count
    return dict(totals)
