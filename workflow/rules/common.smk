"""The configuration, checked, and names that the rules share. No rules, no torch."""

from snakemake.exceptions import WorkflowError

from prunescope import config as study
from prunescope.errors import InputError
from prunescope.provenance import digest, engine_digest

SOURCE = workflow.configfiles[-1]
try:
    config.update(study.complete(config, SOURCE))
    METHODS = study.methods(config, SOURCE)
except InputError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{config['name']}"
REPORTS = config["reports"]
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
ENGINE = engine_digest()
GPUS = 1 if config["device"] == "cuda" else 0
RUN = {key: config[key] for key in ("dtype", "attn", "device")}


wildcard_constraints:
    model="|".join(config["models"]),
    task="|".join(config["tasks"]),


def model_files(wildcards):
    """What a model's answers depend on: its weights, configuration, processor and tokenizer."""
    return study.model_files(config["models"][wildcards.model])


def check_study():
    """Stop before the first job if a method does not fit a model (needs torch, so not sooner)."""
    try:
        study.check_models(config, SOURCE)
    except InputError as error:
        raise WorkflowError(str(error)) from None
