"""Free space on a disk: checked before writing, and recognised in errors when it ran out."""

import errno
import os
import shutil
from pathlib import Path

from prunescope.errors import causes

FULL = {errno.ENOSPC, errno.EDQUOT}  # the disk is full, or the user's quota is
# datasets and libraries in Rust report a full disk in words, without an error number.
PHRASES = ("disk space", *map(os.strerror, FULL))


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of a folder, which need not exist yet."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def full_disk_message(error: BaseException) -> str:
    """Message of a full disk or quota, in one line, from the error or its causes; "" if none.

    A message that names a path is preferred.
    """
    errors = [cause for cause in causes(error) if _is_full(cause)]
    message = min(errors, key=lambda cause: getattr(cause, "filename", None) is None, default="")
    return " ".join(str(message).split())


def _is_full(error: BaseException) -> bool:
    return getattr(error, "errno", None) in FULL or any(phrase in str(error) for phrase in PHRASES)
