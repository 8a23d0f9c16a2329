"""The configuration, checked, and names that the rules share. No rules, no torch."""

from snakemake.exceptions import WorkflowError

from prunescope import config as study
from prunescope.errors import InputError
from prunescope.provenance import digest, engine_digest

SOURCE = workflow.configfiles[-1]
try:
    config.update(study.complete(config, SOURCE))
    WANTED = study.wanted(config, SOURCE)
except InputError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{config['name']}"
REPORTS = config["reports"]
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
ENGINE = engine_digest()
DRAWING = digest(
    [
        f"src/prunescope/{name}"
        for name in (
            "statistics",
            "charts.py",
            "items.py",
            "pictures.py",
            "plotting.py",
        )
    ]
)
# unknown where no job is run, as for --report
CORES = workflow.resource_settings.cores or 1
GPUS = 1 if config["device"] == "cuda" else 0
RUN = {key: config[key] for key in ("dtype", "attn", "numerics", "device", "data")}

# What the scripts of analysis/ may ask for, by the names of their arguments: what is stored of one
# model, or of every model
PARTS = [
    f"{task}/{shard}"
    for task in config["tasks"]
    for shard in range(1, config["shards"] + 1)
]
STORED = {
    "attention": [f"{RESULTS}/attention/{{model}}/{part}.zarr" for part in PARTS],
    "records": [f"{RESULTS}/records/{{model}}/{part}.parquet" for part in PARTS],
    "cost": [f"{RESULTS}/cost/{{model}}.parquet"],
    "matched": [f"{RESULTS}/methods/{{model}}.csv"],
}
STORED |= {
    f"every_{kind}": expand(paths, model=config["models"])
    for kind, paths in STORED.items()
}
STORED["cards"] = [f"data/tasks/{task}.yaml" for task in config["tasks"]]
SHARED = {
    "bootstrap": config["bootstrap"] | {"seed": config["seed"]},
    "seed": config["seed"],
    "adjust": config["adjust"],
    "asking": {
        "data": config["data"],
        "protocols": {
            name: each["protocol"] for name, each in config["models"].items()
        },
    },
}
SHOWN = {"figures": "png", "tables": "csv"}  # what a reader sees of an item
ITEMS = [(kind, name) for kind in SHOWN for name in config[kind]]


wildcard_constraints:
    model="|".join(config["models"]),
    task="|".join(config["tasks"]),
    shard="[0-9]+",


def model_files(wildcards):
    """What a model's answers depend on: its weights, configuration, processor and tokenizer."""
    try:
        return study.model_files(config["models"][wildcards.model])
    except InputError as error:
        raise WorkflowError(f"{SOURCE}: {error}") from None


def asked(script, offered):
    """Those of the `offered` that the script's `make` has as arguments."""
    return {
        name: offered[name] for name in study.make_arguments(script) if name in offered
    }


def owner(name):
    """Folder of a figure or table in that of the report: the model's, if it is of one."""
    return "{model}/" if study.is_of_one_model(name) else ""


def files(kind, name):
    """Files that a figure or table may have."""
    folder = f"{REPORTS}/{owner(name)}{kind}"
    return {end: f"{folder}/{name}.{end}" for end in ("png", "svg", "csv")}


def outputs(kind, name):
    """Files of a figure or table, as its `make` asks for them; one is shown in the report."""
    shown = report(
        files(kind, name)[SHOWN[kind]],
        caption="../report/item.rst",
        category=kind.capitalize(),
        labels={
            "item": name.replace("_", " "),
            "model": "{model}" if study.is_of_one_model(name) else "all",
        },
    )
    return asked(name, files(kind, name) | {SHOWN[kind]: shown})


def check_study():
    """Stop before the first job if a method does not fit a model (needs torch, so not sooner)."""
    try:
        study.check_models(config, SOURCE)
    except InputError as error:
        raise WorkflowError(str(error)) from None
