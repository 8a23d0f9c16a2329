"""`prunescope explain`: what a study will do, in plain words."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

from prunescope.cli.console import print_table
from prunescope.cli.method_words import method_in_words
from prunescope.cli.tools import ConfigFile

if TYPE_CHECKING:
    from prunescope.study import Study

Rows = Iterator[tuple[str, str]]


def explain(config: ConfigFile) -> None:
    """Say what a study will do: models, tasks, methods, figures, claims, results and time.

    Run it in the project's folder.
    """
    from prunescope.study import Study

    study = Study.load(config)
    typer.echo(f"Study {study.name!r}, described by {config}.")
    _section(f"Models ({len(study.models)})", _models(study))
    _section(f"Tasks ({len(study.tasks)})", _tasks(study))
    _section(f"Methods ({len(study.methods)})", _methods(study))
    for kind in ("figures", "tables"):
        _section(f"{kind.capitalize()} ({len(study.config[kind])})", _items(study, kind))
    _section("Claims of the paper, judged on each model", _claims())
    _section("Thresholds of the claims", _thresholds(study))
    _section("Results", _results(study))


def _section(title: str, rows: Rows) -> None:
    typer.secho(f"\n{title}", bold=True)
    print_table(("name", "meaning"), rows, header=False)


def _models(study: "Study") -> Rows:
    from prunescope.hub import origins

    for name, model in study.models.items():
        present = "is here" if origins.is_present(model) else "will be fetched"
        yield name, f"{model['path']}, {present}"


def _tasks(study: "Study") -> Rows:
    from prunescope.study.workload import questions_of

    for name, task in study.tasks.items():
        count = questions_of(task, study.limit(name))
        questions = "all" if math.isnan(count) else f"{count:,}"
        yield name, f"{questions} questions, judged by {task.metric.name}. {task.description}"


def _methods(study: "Study") -> Rows:
    from prunescope.study.parameters import with_value

    for name, stages in study.fixed.items():
        yield name, method_in_words(stages)
    for method in study.wanted:
        share = f"T/N = {method.share:g} allows" if method.share else f"{method.budget_of} keeps"
        stages = with_value(method.stages, method.knob, None)  # it is solved for
        yield method.name, f"as many tokens as {share}: {method_in_words(stages)}"


def _items(study: "Study", kind: str) -> Rows:
    from prunescope.study.scripts import caption

    for name in study.config[kind]:
        yield name, _first_sentence(caption(name))


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].removesuffix(".")


def _claims() -> Rows:
    from prunescope.claims.claims import CLAIMS

    for number, claim in enumerate(CLAIMS, start=1):
        yield str(number), claim.statement


def _thresholds(study: "Study") -> Rows:
    from prunescope.study.study import SCHEMA
    from prunescope.study.yaml_files import read

    keys: Mapping[str, Any] = read(SCHEMA)["properties"]["claims"]["properties"]
    for name, value in study.config["claims"].items():
        text = f"{value:g}" if isinstance(value, int | float) else str(value)
        yield f"{name} = {text}", _first_sentence(keys[name]["description"])


def _results(study: "Study") -> Rows:
    from prunescope.study import paths
    from prunescope.study.plan import total

    yield "answers", "results/store, shared by all studies"
    yield "other results", paths.folder(study)
    yield "report", f"{paths.reports(study)}/report.html"
    yield "time", f"{total(study)} (more: prunescope plan {study.source})"
