"""Whether there is room: before something is written, and after it could not be."""

import errno
import os
import shutil
from pathlib import Path

from prunescope.errors import causes

FULL = {errno.ENOSPC, errno.EDQUOT}  # the disk, or what a user may have of it
# Some say so in words, without a number: datasets, and libraries in Rust.
WORDS = ("disk space", *map(os.strerror, FULL))


def free(folder: Path) -> int:
    """Bytes that are free on the disk of a folder, which need not be there yet."""
    folder = folder.absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return shutil.disk_usage(there).free


def disk_full(error: BaseException) -> str:
    """What was said, by the error or what it came of, when a disk or quota was full, in one line
    and best with a path; "" if it was not."""
    full = [each for each in causes(error) if _is_full(each)]
    said = min(full, key=lambda each: getattr(each, "filename", None) is None, default="")
    return " ".join(str(said).split())


def _is_full(error: BaseException) -> bool:
    return getattr(error, "errno", None) in FULL or any(each in str(error) for each in WORDS)
