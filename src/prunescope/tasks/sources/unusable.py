"""Rows that cannot be asked or judged: listed, and left out unless they are too many."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prunescope.errors import InputError

if TYPE_CHECKING:
    from prunescope.tasks.card import Task

log = logging.getLogger(__name__)
SHOWN = 5


class Unusable(ValueError):
    """Why a row cannot be asked or judged, in a few words."""


@dataclass(frozen=True)
class LeftOut:
    """row: its number; image: its path or name, "" where it has none."""

    row: int
    image: str
    reason: str

    def __str__(self) -> str:
        return f"row {self.row}{self.image and f' ({self.image})'}: {self.reason}"


def check(task: "Task", gone: Sequence[LeftOut], rows: int, how: str = "") -> str:
    """The first of those that are left out of so many rows, in words, or ""; InputError when their
    share is above the limit. how: what to do about it."""
    if not gone:
        return ""
    shown = "; ".join(map(str, gone[:SHOWN])) + ("; ..." if len(gone) > SHOWN else "")
    text = f"task {task.name!r}: {len(gone)} of {rows} rows cannot be used: {shown}"
    if len(gone) > task.access.unreadable * rows:
        raise InputError(
            f"{text}; more than data.unreadable = {task.access.unreadable:.2%} of them"
            + (f". {how}" if how else "")
        )
    log.warning("%s; they are left out", text)
    return f"{text}; they are left out"
