"""Data sets of the Hugging Face hub, a mirror of it, or a folder in the same layout."""

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from prunescope.errors import InputError
from prunescope.sources.advice import Wanted, advice
from prunescope.sources.images import undecoded

if TYPE_CHECKING:
    from datasets import Dataset

    from prunescope.tasks import Task

log = logging.getLogger(__name__)
COMMIT = re.compile(r"[0-9a-f]{40}")


def load(task: "Task", files: dict[str, str], stream: int | None = None) -> "Dataset":
    """The rows of the task's split, images as they are stored. files: by split, a glob; only these
    are downloaded. stream: only so many rows, none stored; None for all. InputError says what is
    in the way and what to do about it."""
    import datasets

    repo, revision = task.access.repository(task.hub["repo"]), task.hub["revision"]
    if task.split not in files:
        raise InputError(f"task {task.name!r}: split: no files of {task.split!r}; {sorted(files)}")
    pinned = COMMIT.fullmatch(revision)
    if not pinned and not Path(repo).is_dir():
        log.warning("task %r: revision: %r is no commit, the data may change", task.name, revision)
    try:
        found = datasets.load_dataset(
            repo,
            data_files={task.split: files[task.split]},
            split=task.split,
            revision=None if Path(repo).is_dir() else revision,
            streaming=stream is not None,
            verification_mode="no_checks",  # of all splits, others than this are not wanted
        )
        found = undecoded(found)
        if stream is None:
            return found
        return datasets.Dataset.from_list(list(found.take(stream)), found.features)
    except Exception as error:  # of datasets, its file systems, the network or the disk
        copy = "name its copy in the study's data.organisations"
        files = "the card's hub.files"
        if Path(repo).is_dir() or repo.count("/") > 1:  # more than a name on the hub has
            files = "the study's data.organisations to a folder that has them"
        keys = "the card's hub.revision", copy, files
        said = advice(error, Wanted("data set", revision, *keys))
        raise InputError(f"task {task.name!r}: {repo}: {said}") from error
