"""The one exception for wrong input, how an unknown name is told, and when a disk is full."""

import errno
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

FULL = {errno.ENOSPC, errno.EDQUOT}  # the disk, or what a user may have of it


class InputError(ValueError):
    """Something given by the user is wrong; the message names the place and what is allowed."""


def known(name: str, names: Iterable[str], where: str) -> str:
    """`name` if it is one of `names`; otherwise an InputError that suggests the closest."""
    names = list(names)
    if name in names:
        return name
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise InputError(f"{where}: unknown {name!r}; {hint}allowed: {sorted(names)}")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it came of, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def disk_full(error: BaseException) -> str:
    """What was said, by the error or what it came of, when a disk or quota was full, in one line
    and best with a path; "" if it was not."""
    full = [each for each in causes(error) if _is_full(each)]
    said = min(full, key=lambda each: getattr(each, "filename", None) is None, default="")
    return " ".join(str(said).split())


def _is_full(error: BaseException) -> bool:
    # datasets says so in words, without a number.
    return getattr(error, "errno", None) in FULL or "disk space" in str(error)
