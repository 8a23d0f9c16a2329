"""The exception for wrong input, and helpers for messages."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches


class InputError(ValueError):
    """Wrong input by the user; the message names the place, the value and what is allowed."""


def known(name: str, names: Iterable[str], where: str) -> str:
    """Return `name` if it is one of `names`; otherwise raise an InputError with the closest one.

    where: the file and key, or the argument, that begins the message.
    """
    names = list(names)
    if name in names:
        return name
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise InputError(f"{where}: unknown {name!r}; {hint}allowed: {sorted(names)}")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, the error that caused it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
