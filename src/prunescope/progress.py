"""How far a long loop is: a line in the job's log now and then, with the time that is left.

`Progress` writes the lines. `fraction_done` reads the latest one from a log, for whoever watches.
"""

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

FIRST, EVERY = 5.0, 30.0  # seconds until the first line, and at most from a line to the next
TAIL = 4096  # bytes at the end of a log in which the latest line is looked for
LINE = re.compile(r": ([\d,]+) of ([\d,]+) \(\d+ %\)")
log = logging.getLogger(__name__)


class Progress:
    """Counts what a loop has done and logs it: 5 s after the start, then at growing intervals of
    up to 30 s. The clock starts when the object is made."""

    def __init__(self, total: int, label: str, clock: Callable[[], float] = time.monotonic):
        self.total, self.label, self.done = total, label, 0
        self._clock, self._start = clock, clock()
        self._interval = FIRST
        self._next = self._start + FIRST

    def advance(self, count: int = 1) -> None:
        """Add `count` finished items, and log a line if it is time for one."""
        self.done += count
        now = self._clock()
        if now >= self._next:
            log.info("%s", self._line(now - self._start))
            self._interval = min(2 * self._interval, EVERY)
            self._next = now + self._interval

    def _line(self, elapsed: float) -> str:
        left = elapsed * (self.total - self.done) / max(self.done, 1)
        percent = 100 * self.done // max(self.total, 1)
        counts = f"{self.done:,} of {self.total:,} ({percent} %)"
        return f"{self.label}: {counts}, about {duration(left)} left"


def duration(seconds: float) -> str:
    """A time in words, such as "40 s", "12 min" or "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def fraction_done(path: Path | str) -> float | None:
    """Fraction (0 to 1) that the latest progress line of a log states; None without such a line."""
    try:
        with Path(path).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return None
    counts = LINE.findall(text)
    if not counts:
        return None
    done, total = (int(count.replace(",", "")) for count in counts[-1])
    return done / total if total else None
