"""The one exception for wrong input, how an unknown name is told, and what an error came of."""

from collections.abc import Iterable, Iterator
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


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it came of, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
