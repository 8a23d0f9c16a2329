"""Rows that cannot be asked or judged: left out, listed, and an error when they are too many."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from prunescope.errors import InputError
from prunescope.tasks.card import Task

log = logging.getLogger(__name__)
SHOWN = 5  # rows that a message names


class UnusableRow(ValueError):
    """A row that cannot be asked or judged; the message is the reason, in a few words."""


@dataclass(frozen=True)
class LeftOut:
    """A row that was left out: its number, its image's path or name ("" for none), the reason."""

    row: int
    image: str
    reason: str

    def __str__(self) -> str:
        return f"row {self.row}{self.image and f' ({self.image})'}: {self.reason}"


def check_left_out(task: Task, left_out: Sequence[LeftOut], rows: int, advice: str = "") -> str:
    """Describe the rows left out, of `rows` in all; "" if there are none.

    InputError, which ends with `advice`, if their share is above the study's `data.unreadable`.
    """
    if not left_out:
        return ""
    shown = "; ".join(map(str, left_out[:SHOWN])) + ("; ..." if len(left_out) > SHOWN else "")
    text = f"task {task.name!r}: {len(left_out)} of {rows} rows cannot be used: {shown}"
    if len(left_out) > task.access.unreadable * rows:
        raise InputError(
            f"{text}; more than data.unreadable = {task.access.unreadable:.2%} of them"
            + (f". {advice}" if advice else "")
        )
    log.warning("%s; they are left out", text)
    return f"{text}; they are left out"
