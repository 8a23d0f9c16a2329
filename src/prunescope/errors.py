"""The one exception for wrong input, how an unknown name is told, and what was behind an error."""

import errno
from collections.abc import Iterable, Iterator
from difflib import get_close_matches


class InputError(ValueError):
    """Something given by the user is wrong; the message names the place and what is allowed."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def disk_is_full(error: BaseException) -> bool:
    """Whether it came from a disk, or a share of one, that has no room."""
    return any(
        getattr(each, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "disk space" in str(each)
        for each in causes(error)
    )


def known(name: str, names: Iterable[str], where: str) -> str:
    """`name` if it is one of `names`; otherwise an InputError that suggests the closest."""
    names = list(names)
    if name in names:
        return name
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise InputError(f"{where}: unknown {name!r}; {hint}allowed: {sorted(names)}")
