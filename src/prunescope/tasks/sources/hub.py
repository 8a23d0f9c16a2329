"""Data sets of the Hugging Face hub, a mirror of it, or a folder in the same layout."""

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from prunescope.errors import InputError
from prunescope.hub.advice import Wanted, advice, unreadable
from prunescope.hub.snapshot import fetch
from prunescope.tasks.sources.broken import find_broken
from prunescope.tasks.sources.images import undecoded

if TYPE_CHECKING:
    from datasets import Dataset

    from prunescope.tasks.card import Task

log = logging.getLogger(__name__)
COMMIT = re.compile(r"[0-9a-f]{40}")
# They may give types of columns that the files do not.
DESCRIPTIONS = ("README.md", "dataset_infos.json", ".huggingface.yaml")


def load(task: "Task", files: dict[str, str], stream: int | None = None) -> "Dataset":
    """The rows of the task's split, images as they are stored. files: by split, a glob; only these
    are downloaded. stream: only so many rows, none stored; None for all. InputError says what is
    in the way and what to do about it."""
    repo, revision = task.access.repository(task.hub["repo"]), task.hub["revision"]
    if task.split not in files:
        raise InputError(f"task {task.name!r}: split: no files of {task.split!r}; {sorted(files)}")
    pinned = COMMIT.fullmatch(revision)
    if not pinned and not Path(repo).is_dir():
        log.warning("task %r: revision: %r is no commit, the data may change", task.name, revision)
    pattern, place = files[task.split], repo
    try:
        if stream is None and not _is_folder(repo):
            place = _fetch(repo, revision, pattern)
        return _read(place, revision, task.split, pattern, stream)
    except Exception as error:  # of datasets, its file systems, the network or the disk
        broken = find_broken(Path(place), pattern) if unreadable(error) else None
        said = advice(error, _wanted(repo, revision, broken))
        raise InputError(f"task {task.name!r}: {repo}: {said}") from error


def _read(repo: str, revision: str, split: str, pattern: str, stream: int | None) -> "Dataset":
    import datasets

    found = datasets.load_dataset(
        repo,
        data_files={split: pattern},
        split=split,
        revision=None if _is_folder(repo) else revision,
        streaming=stream is not None,
        verification_mode="no_checks",  # of all splits, others than this are not wanted
    )
    found = undecoded(found)
    if stream is None:
        return found
    return datasets.Dataset.from_list(list(found.take(stream)), found.features)


def _is_folder(repo: str) -> bool:
    return Path(repo).is_dir() or repo.count("/") > 1  # more than a name on the hub has


def _fetch(repo: str, revision: str, pattern: str) -> str:
    """The folder of the files in the hub's cache. What datasets itself keeps of a data set of the
    hub it does not find again without a network; of a folder it does."""
    root = fetch(repo, revision, [pattern, *DESCRIPTIONS], repo_type="dataset")
    if not any(root.glob(pattern)):
        raise FileNotFoundError(f"no {pattern} in commit {root.name}")
    return str(root)


def _wanted(repo: str, revision: str, broken: Path | None) -> Wanted:
    files = "the card's hub.files"
    if _is_folder(repo):
        files = "the study's data.organisations to a folder that has them"
    copy = "name its copy in the study's data.organisations"
    return Wanted("data set", revision, "the card's hub.revision", copy, files, broken)
