"""The study, checked, and names that the rules share. No rules, no torch."""

import os
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from prunescope.errors import InputError
from prunescope.provenance import script_digest
from prunescope.study import Study, models, paths, plan, probes, scripts, workload

try:
    STUDY = Study.of(config, workflow.configfiles[-1])
    # on stderr, since stdout may be a graph
    if workflow.output_settings.dryrun:
        cores = workflow.resource_settings.cores
        print(plan.text(STUDY, cores), file=sys.stderr)
except InputError as error:
    raise WorkflowError(str(error)) from None
config.update(STUDY.config)

RESULTS = paths.folder(STUDY)
REPORTS = paths.reports(STUDY)
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
COMPUTED = paths.results(STUDY)
SETTINGS = paths.settings(STUDY)
ITEMS = paths.items(STUDY)
PROBED = probes.probed(STUDY.config)
EXPECTED = workload.seconds_by_rule(STUDY)
FIRST = 10**6  # priority of jobs that all evaluation waits for
# unknown where no job is run, as for --report
CORES = workflow.resource_settings.cores or 1
STARTED = time.time()
# the logger shows the progress: no bars of jobs in between
os.environ.update(TQDM_DISABLE="1")
GPUS = 1 if config["device"] == "cuda" else 0


wildcard_constraints:
    model="|".join(STUDY.models),
    task="|".join(STUDY.tasks),
    shard="[0-9]+",


def code_of(script):
    """Digest of the code that a script of the workflow imports: an edit of it reruns the rule."""
    return script_digest(f"workflow/scripts/{script}.py")


def model_files(wildcards):
    """Files that a model's answers depend on, or the marker of its download."""
    try:
        return models.model_files(STUDY.models[wildcards.model])
    except InputError as error:
        raise WorkflowError(
            f"{STUDY.source}: models.{wildcards.model}: {error}"
        ) from None


def probed_files(wildcards):
    """Files that the scores of a decoder depend on, or the marker of its download."""
    try:
        return PROBED[wildcards.decoder].files()
    except InputError as error:
        raise WorkflowError(f"{STUDY.source}: {error}") from None


def model_settings(wildcards):
    """Settings of a model that its jobs need."""
    return models.job_settings(STUDY.models[wildcards.model])


def folder_of_trained(wildcards):
    """Folder of what was trained on a pretrained decoder: a copy goes there. None for others, whose
    own files would change."""
    trained = STUDY.models[wildcards.model]["trained"]
    return trained and trained["folder"]


def examples_of(task):
    """The file that says that a task's examples are there; the testbed's are generated in jobs."""
    generated = STUDY.tasks[task].source == "testbed"
    return [] if generated else f"{RESULTS}/data/{task}.json"


def duration(rule):
    """Priority of the jobs of a rule: the longest ones begin first."""
    return lambda wildcards: EXPECTED[rule].get(
        workload.job_key(dict(wildcards.items())), 0
    )


def memory(wildcards, input):
    """MB for a job that reads records (files) and scores (folders).

    2,000, and 5 times the size of files and 10 times that of folders: more than the scripts of
    analysis/ take (benchmarks/analysis.py). Sizes are known once the inputs exist.
    """
    folders, files = [], []
    for path in map(Path, input):
        if path.is_dir():
            folders += [file.stat().st_size for file in path.rglob("*")]
        else:
            files.append(path.stat().st_size)
    return 2000 + (10 * sum(folders) + 5 * sum(files)) // 10**6


def outputs(kind, name):
    """Files of a figure or table that its script writes; the report shows one of them."""
    files, shown = paths.item_files(STUDY, kind, name), paths.SHOWN[kind]
    model = "{model}" if scripts.is_of_one_model(name) else "all"
    files[shown] = report(
        files[shown],
        caption="../report/item.rst",
        category=kind.capitalize(),
        labels={"item": name.replace("_", " "), "model": model},
    )
    return scripts.select(name, files)


def announce():
    """Tell the progress bar how long jobs are expected to take."""
    logger.info(None, extra={"expected": (EXPECTED, CORES)})


def summarize():
    """Show where the report is and what it found, if this run wrote it."""
    page = Path(REPORTS, "report.html")
    if not page.is_file() or page.stat().st_mtime < STARTED:
        return
    from prunescope.report.headlines import headlines  # loads pandas: only at the end

    ledgers = {model: f"{REPORTS}/{model}/ledger.csv" for model in STUDY.models}
    lines = headlines(page, ledgers)
    logger.info("\n".join(lines), extra={"shown": True})
