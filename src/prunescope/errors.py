"""The one exception for wrong input, and how an unknown name is told."""

from collections.abc import Iterable
from difflib import get_close_matches


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
