"""Data sets of the Hugging Face hub, a mirror of it, or a folder in the same layout."""

import errno
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prunescope.errors import InputError
from prunescope.sources.images import undecoded

if TYPE_CHECKING:
    from datasets import Dataset

    from prunescope.tasks import Task

log = logging.getLogger(__name__)
COMMIT = re.compile(r"[0-9a-f]{40}")


def load(task: "Task", files: dict[str, str]) -> "Dataset":
    """All rows of the task's split, images as they are stored. files: by split, a glob; only
    these are downloaded. InputError says what is in the way and what to do about it."""
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
            streaming=task.access.stream is not None,
            verification_mode="no_checks",  # of all splits, others than this are not wanted
        )
        found = undecoded(found)
        if task.access.stream is None:
            return found
        return datasets.Dataset.from_list(list(found.take(task.access.stream)), found.features)
    except Exception as error:  # of datasets, its file systems, the network or the disk
        raise InputError(f"task {task.name!r}: {repo}: {_advice(error, task)}") from error


def _advice(error: Exception, task: "Task") -> str:
    """What is in the way, in one sentence, and what to do about it in the next."""
    from datasets.exceptions import DatasetNotFoundError

    said = " ".join(str(error).split()) or type(error).__name__
    chain = list(_causes(error))
    if any(
        getattr(each, "errno", None) == errno.ENOSPC or "disk space" in str(each) for each in chain
    ):
        return f"the disk is full ({said}). Make room, or set HF_HOME to another disk"
    if "gated" in said.lower():
        return f"access is gated ({said}). Accept its terms on its page, then `hf auth login`"
    if "revision" in said.lower():
        return (
            f"there is no revision {task.hub['revision']!r} ({said}). Set the card's hub.revision"
        )
    if any(isinstance(each, ConnectionError) or "Offline" in type(each).__name__ for each in chain):
        return (
            f"not in the cache, and the hub cannot be reached ({said}). Load it once with a "
            "network, or name a copy in the study's data.organisations"
        )
    if isinstance(error, DatasetNotFoundError):
        return (
            f"there is no such data set ({said}). Name its copy in the study's data.organisations"
        )
    if isinstance(error, FileNotFoundError):
        return f"it has no files {task.hub['files']} ({said}). Set the card's hub.files"
    return f"it cannot be loaded: {type(error).__name__}: {said}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
