"""Which stored records the studies at hand need."""

from collections.abc import Iterable
from pathlib import Path

from prunescope.errors import InputError
from prunescope.evaluation.setup import checkpoint
from prunescope.methods import Method, parse_methods, read_methods
from prunescope.records.store import RecordStore
from prunescope.records.upkeep import open_store
from prunescope.study import config
from prunescope.tasks.card import task_of
from prunescope.tasks.examples import load_examples


def unasked(store: Path, configs: Iterable[Path]) -> list[Path]:
    """The folders of the keys that none of these studies asks for."""
    asked = {folder for each in configs for folder in _asked(open_store(store), each)}
    return [folder for folder in open_store(store).folders() if folder not in asked]


def _asked(store: RecordStore, path: Path) -> set[Path]:
    """The folders that a study reads, by its configuration."""
    from prunescope.evaluation.evaluate import keys_of  # here, since it imports torch
    from prunescope.evaluation.side_information import possible

    study = config.load(path)
    folders = set()
    for name, model in study["models"].items():
        for card in study["tasks"]:
            task = task_of(config.TASKS / f"{card}.yaml", model, study)
            examples = load_examples(task)
            left = possible(_methods(study, path, name), task, examples)
            keys = keys_of(checkpoint(name, model, study), task, left, examples)
            folders |= {store.folder(key) for key in keys.values()}
    return folders


def _methods(study: config.Config, path: Path, model: str) -> dict[str, Method]:
    """The methods of a study for a model; those that are matched, as the study has solved them."""
    if not config.wanted(study, str(path)):
        return parse_methods(config.methods(study, str(path)), str(path))
    solved = Path("results", study["name"], "methods", f"{model}.yaml")
    if not solved.is_file():
        raise InputError(
            f"{path}: matched: there is no {solved}, which says what these methods are; "
            f"run the study, or `snakemake --configfile {path} {solved}`"
        )
    return read_methods(solved)
