"""Data sets of the Hugging Face hub, of a mirror, or of a folder in the hub's layout."""

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from prunescope.errors import InputError
from prunescope.hub.advice import Request, advice, content_problem
from prunescope.hub.snapshot import fetch
from prunescope.tasks.card import Task
from prunescope.tasks.sources.broken import find_broken
from prunescope.tasks.sources.images import undecoded

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
COMMIT = re.compile(r"[0-9a-f]{40}")
# These files may give types of columns that the data files themselves do not.
DESCRIPTIONS = ("README.md", "dataset_infos.json", ".huggingface.yaml")


def load_rows(task: Task, files: dict[str, str], stream: int | None = None) -> "Dataset":
    """Rows of the task's split, with images as they are stored.

    files: a glob for each split; only files of the task's split are downloaded. stream: number of
    rows to read without storing them; None stores and reads all. InputError says what went wrong
    and what to do.
    """
    repo, revision = task.access.repository(task.hub["repo"]), task.hub["revision"]
    if task.split not in files:
        allowed = sorted(files)
        raise InputError(
            f"task {task.name!r}: split: no files of {task.split!r}; allowed: {allowed}"
        )
    if not COMMIT.fullmatch(revision) and not Path(repo).is_dir():
        log.warning("task %r: revision: %r is no commit, the data may change", task.name, revision)
    pattern, place = files[task.split], repo
    try:
        if stream is None and not _is_folder(repo):
            place = _fetch(repo, revision, pattern)
        return _read(place, revision, task.split, pattern, stream)
    except Exception as error:  # raised by datasets, its file systems, the network or the disk
        broken_file = find_broken(Path(place), pattern) if content_problem(error) else None
        reason = advice(error, _request(repo, revision, broken_file))
        raise InputError(f"task {task.name!r}: {repo}: {reason}") from error


def _read(repo: str, revision: str, split: str, pattern: str, stream: int | None) -> "Dataset":
    import datasets

    rows = datasets.load_dataset(
        repo,
        data_files={split: pattern},
        split=split,
        revision=None if _is_folder(repo) else revision,
        streaming=stream is not None,
        verification_mode="no_checks",  # checks would want the files of all splits
    )
    rows = undecoded(rows)
    if stream is None:
        return rows
    return datasets.Dataset.from_list(list(rows.take(stream)), rows.features)


def _is_folder(repo: str) -> bool:
    # a name on the hub has one slash, a path of a folder may have more
    return Path(repo).is_dir() or repo.count("/") > 1


def _fetch(repo: str, revision: str, pattern: str) -> str:
    """Folder of the files in the hub's cache.

    Without a network, datasets does not find its own copy of a hub data set again; a folder it
    always finds.
    """
    root = fetch(repo, revision, [pattern, *DESCRIPTIONS], repo_type="dataset")
    if not any(root.glob(pattern)):
        raise FileNotFoundError(f"no {pattern} in commit {root.name}")
    return str(root)


def _request(repo: str, revision: str, broken_file: Path | None) -> Request:
    files_key = "the card's hub.files"
    if _is_folder(repo):
        files_key = "the study's data.organisations to a folder that has them"
    use_copy = "name its copy in the study's data.organisations"
    return Request(
        "data set", revision, "the card's hub.revision", use_copy, files_key, broken_file
    )
