"""How far a run of the workflow is, and how long it will still take."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from prunescope.progress import duration, fraction_done
from prunescope.study.workload import job_key

OTHER = 4.0  # seconds of a job that the study has no expectation for
NEARLY = 0.98  # largest fraction of a job that has not finished
TRUST = 20.0  # seconds for which the expected speed counts beside the measured one
Seconds = Mapping[str, Mapping[str, float]]  # by rule and job key


@dataclass(frozen=True)
class Running:
    """A job that runs. seconds: expected; started: time of day; log: its log, if it has one."""

    name: str
    seconds: float
    started: float
    log: Path | None

    def fraction(self, now: float) -> float:
        """Fraction that is done by now, from the latest progress line in the log and its time; from
        the expected seconds before there is one."""
        seconds = self.seconds
        if self.log and self.log.is_file():
            written, done = self.log.stat().st_mtime, fraction_done(self.log)
            if done and written > self.started:
                seconds = (written - self.started) / done
        return min((now - self.started) / seconds, NEARLY)


class Forecast:
    """Counts finished jobs and running ones, weighted by the seconds they are expected to take."""

    def __init__(self, clock: Callable[[], float] = time.time):
        self._clock, self._start = clock, clock()
        self._expected: Seconds = {}
        self._cores = 1
        self._counts: Mapping[str, int] = {}
        self._done = 0.0
        self.finished = 0
        self._running: dict[int, Running] = {}

    def expect(self, seconds: Seconds, cores: int) -> None:
        """Take over the expected seconds of the study's jobs, on `cores` cores."""
        self._expected, self._cores = seconds, cores

    def plan(self, counts: Mapping[str, int]) -> None:
        """Take over the number of jobs of each rule that this run has."""
        self._start, self._counts = self._clock(), counts

    def start(self, job: int, rule: str, wildcards: Mapping[str, str], log: Path | None) -> None:
        """Note that a job has begun."""
        key = job_key(wildcards)
        seconds = self._expected.get(rule, {}).get(key, self._mean(rule))
        self._running[job] = Running(f"{rule} {key}".strip(), seconds, self._clock(), log)

    def finish(self, job: int) -> None:
        """Note that a job has ended, well or not."""
        if running := self._running.pop(job, None):
            self._done += running.seconds
            self.finished += 1

    @property
    def jobs(self) -> int:
        """Number of jobs in this run."""
        return sum(self._counts.values())

    @property
    def _total(self) -> float:
        """Expected seconds of all jobs."""
        return sum(self._mean(rule) * count for rule, count in self._counts.items())

    def _active(self) -> list[Running]:
        """Jobs that run; a copy, since they start and end in another thread."""
        return list(self._running.values())

    def _mean(self, rule: str) -> float:
        seconds = self._expected.get(rule, {}).values()
        return sum(seconds) / len(seconds) if seconds else OTHER

    def _worked(self) -> float:
        """Expected seconds of what is done."""
        now = self._clock()
        return self._done + sum(r.seconds * r.fraction(now) for r in self._active())

    def fraction(self) -> float:
        """Fraction of the expected work that is done, from 0 to 1."""
        return min(self._worked() / self._total, 1.0) if self._total else 0.0

    def seconds_left(self) -> float:
        """Seconds until the end, at the speed so far."""
        worked, elapsed = self._worked(), self._clock() - self._start
        speed = (worked + TRUST * self._cores) / (elapsed + TRUST)
        return max(self._total - worked, 0.0) / speed

    def announcement(self) -> str:
        """What the run will take, for its start."""
        cores = f"{self._cores} core" + "s" * (self._cores != 1)
        return f"{self.jobs} jobs, about {duration(self._total / self._cores)} on {cores}"

    def status(self) -> str:
        """One line: how much is done, how much time is left, what runs."""
        counts = f"{self.finished} of {self.jobs} jobs, about {duration(self.seconds_left())} left"
        return f"{self.fraction():4.0%}  {counts}: {self.names()}"

    def names(self) -> str:
        """What runs."""
        return ", ".join(running.name for running in self._active())
