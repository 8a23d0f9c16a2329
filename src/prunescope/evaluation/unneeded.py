"""Finds stored records that no study needs."""

from collections.abc import Iterable
from pathlib import Path

from prunescope.errors import InputError
from prunescope.evaluation.evaluate import keys_of
from prunescope.evaluation.setup import checkpoint
from prunescope.evaluation.side_information import possible
from prunescope.methods import Method, parse_methods, read_methods
from prunescope.records.store import RecordStore
from prunescope.records.upkeep import open_store
from prunescope.study import Study
from prunescope.tasks.examples import load_examples


def unneeded(store: Path, studies: Iterable[Study]) -> list[Path]:
    """Folders of the store whose records none of the studies reads."""
    opened = open_store(store)
    needed = {folder for study in studies for folder in _folders(opened, study)}
    return [folder for folder in opened.folders() if folder not in needed]


def _folders(store: RecordStore, study: Study) -> set[Path]:
    """Folders that a study reads."""
    return {
        store.folder(key)
        for model in study.models
        for task in study.tasks
        for key in _keys(study, task, model)
    }


def _keys(study: Study, task: str, model: str):
    """Keys of the records of a model on a task, for every method that the task allows."""
    card = study.task_for(task, model)
    examples = load_examples(card)
    methods = possible(_methods(study, model), card, examples)
    source = checkpoint(model, study.models[model], study.execution)
    return keys_of(source, card, methods, examples).values()


def _methods(study: Study, model: str) -> dict[str, Method]:
    """Methods of a study for a model; matched methods as the study has solved them."""
    if not study.wanted:
        return parse_methods(study.methods, study.source)
    solved = Path("results", study.name, "methods", f"{model}.yaml")
    if not solved.is_file():
        raise InputError(
            f"{study.source}: matched: there is no {solved}, which says what these methods are; "
            f"run the study, or `snakemake --configfile {study.source} {solved}`"
        )
    return read_methods(solved)
