"""The configuration, checked, and names that the rules share. No rules, no torch."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from prunescope.errors import InputError
from prunescope.provenance import code_digest, engine_digest
from prunescope.study import config as study
from prunescope.study import paths, plan

SOURCE = workflow.configfiles[-1]
try:
    config.update(study.complete(config, SOURCE))
    WANTED = study.wanted(config, SOURCE)
    # not on stdout, which may be a graph
    if workflow.output_settings.dryrun:
        print(plan.text(config, SOURCE), file=sys.stderr)
except InputError as error:
    raise WorkflowError(str(error)) from None

RESULTS = paths.folder(config)
REPORTS = config["reports"]
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
MODELS = study.job_models(config)
COMPUTED = paths.computed(config)
SETTINGS = paths.settings(config)
ITEMS = paths.items(config)
ENGINE = engine_digest()
DRAWING = code_digest("statistics", "figures", "top_k")
# unknown where no job is run, as for --report
CORES = workflow.resource_settings.cores or 1
GPUS = 1 if config["device"] == "cuda" else 0
RUN = {key: config[key] for key in ("dtype", "attn", "numerics", "device", "data")}


wildcard_constraints:
    model="|".join(config["models"]),
    task="|".join(config["tasks"]),
    shard="[0-9]+",


def model_files(wildcards):
    """What a model's answers depend on: its weights, configuration, processor and tokenizer, or the
    marker that these are fetched."""
    try:
        return study.model_files(config["models"][wildcards.model])
    except InputError as error:
        raise WorkflowError(f"{SOURCE}: models.{wildcards.model}: {error}") from None


def examples_of(task):
    """What says that a task's examples are there; the testbed's are generated where they are used."""
    return [] if study.is_generated(task) else f"{RESULTS}/data/{task}.json"


def memory(wildcards, input):
    """MB for a job that reads records (files) and scores (folders): 2,000 and 5 and 10 times their
    size, more than scripts of analysis/ take (benchmarks/analysis.py). Known once they are there.
    """
    folders, files = [], []
    for path in map(Path, input):
        if path.is_dir():
            folders += [file.stat().st_size for file in path.rglob("*")]
        else:
            files.append(path.stat().st_size)
    return 2000 + (10 * sum(folders) + 5 * sum(files)) // 10**6


def outputs(kind, name):
    """Files of a figure or table, as its `make` asks for them; one is shown in the report."""
    files, shown = paths.item_files(config, kind, name), paths.SHOWN[kind]
    model = "{model}" if paths.is_of_one_model(name) else "all"
    files[shown] = report(
        files[shown],
        caption="../report/item.rst",
        category=kind.capitalize(),
        labels={"item": name.replace("_", " "), "model": model},
    )
    return paths.asked(name, files)


def check_study():
    """Stop before the first job if a method does not fit a model (needs torch, so not sooner)."""
    from prunescope.evaluation import setup

    try:
        setup.check_models(config, SOURCE)
    except InputError as error:
        raise WorkflowError(str(error)) from None
