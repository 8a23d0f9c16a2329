"""Where the results and the report of a study lie. No torch.

Paths of what is computed for one model have the wildcard {model}.
"""

from pathlib import Path
from typing import Any

from prunescope.study import probes
from prunescope.study.scripts import FILES, is_of_one_model
from prunescope.study.study import Study

SHOWN = {"figures": "png", "tables": "csv"}  # file of an item that a reader sees


def folder(study: Study) -> str:
    """Folder of everything that the study computes, except its report."""
    return f"results/{study.name}"


def reports(study: Study) -> str:
    """Folder of the report."""
    return study.config["reports"]


def results(study: Study) -> dict[str, list[str]]:
    """Paths by the argument that asks for them: `records` of one model, `every_records` of all
    models, and so on; `probes` are those of decoders, `cards` those of the tasks, `courses` tables
    of the bias in the training of models."""
    home, shards = folder(study), range(1, study.config["shards"] + 1)
    parts = [f"{{model}}/{task}/{shard}" for task in study.tasks for shard in shards]
    of_one = {
        "attention": [f"{home}/attention/{part}.zarr" for part in parts],
        "records": [f"{home}/records/{part}.parquet" for part in parts],
        "operations": [f"{home}/operations/{{model}}.parquet"],
        "timing": [f"{home}/timing/{{model}}.parquet"],
        "matched": [f"{home}/methods/{{model}}.csv"],
    }
    of_all = {
        f"every_{result}": [path.format(model=model) for model in study.models for path in paths]
        for result, paths in of_one.items()
    }
    cards = [str(study.card(task)) for task in study.tasks]
    decoders = probes.stores(study.config, home)
    return of_one | of_all | {"probes": decoders, "cards": cards, "courses": courses(study)}


def courses(study: Study) -> list[str]:
    """`bias_course.csv` of the models that were trained on a pretrained decoder, where it is."""
    trained = [model["trained"] for model in study.models.values() if model["trained"]]
    files = [Path(entry["folder"], "bias_course.csv") for entry in trained]
    return [str(file) for file in files if file.is_file()]


def settings(study: Study) -> dict[str, Any]:
    """Settings of the study that scripts may ask for."""
    protocols = {name: model["protocol"] for name, model in study.models.items()}
    return {
        "bootstrap": study.bootstrap,
        "seed": study.config["seed"],
        "adjust": study.config["adjust"],
        "asking": {"data": study.config["data"], "protocols": protocols},
    }


def items(study: Study) -> list[tuple[str, str]]:
    """(kind, name) of each figure and table."""
    return [(kind, name) for kind in SHOWN for name in study.config[kind]]


def item_files(study: Study, kind: str, name: str) -> dict[str, str]:
    """Files that a figure or table may have, by suffix."""
    home = f"{reports(study)}/{model_folder(name)}{kind}"
    return {suffix: f"{home}/{name}.{suffix}" for suffix in FILES}


def model_folder(name: str) -> str:
    """Subfolder of an item: its model's if it shows one model, otherwise none."""
    return "{model}/" if is_of_one_model(name) else ""
