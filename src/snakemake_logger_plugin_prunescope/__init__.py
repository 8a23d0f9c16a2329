"""Snakemake's messages as one bar with the time that is left, and errors as one line each.

Found by its name where `logger: prunescope` is set, as in profiles/default. All that Snakemake says
of rules and jobs is in its own log, .snakemake/log. A dry run, and `--verbose`, print all of it.
The Snakefile sends what it expects and what it wants shown as attributes of log records: `expected`
(seconds by rule and job, and cores) and `shown`.
"""

import sys
from collections.abc import Callable
from logging import ERROR, Handler, LogRecord
from pathlib import Path

from snakemake.logging import ColorizingTextHandler, DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_prunescope.display import Bar, Display, Lines, Ticker
from snakemake_logger_plugin_prunescope.forecast import Forecast

SHOWN = ("Nothing to be done",)  # how messages of Snakemake begin that a user should see


class LogHandler(LogHandlerBase):
    """Shows the progress of a run on stderr."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self.forecast = Forecast()
        self.display: Display = Bar(stream) if stream.isatty() else Lines(stream)
        self.ticker = Ticker(self.tick, self.display.interval)
        self._failed: list[str] = []
        self._everything = self._snakemakes_own(stream)

    def _snakemakes_own(self, stream) -> Handler | None:
        """Snakemake's own handler, where all that it says is wanted."""
        settings = self.common_settings
        if not (settings.dryrun or settings.verbose):
            return None
        formatter = DefaultFormatter(settings.quiet, settings.show_failed_logs)
        return ColorizingTextHandler(settings.nocolor, stream, formatter)

    def emit(self, record: LogRecord) -> None:
        if self._everything:
            self._everything.handle(record)
        elif action := self._actions().get(getattr(record, "event", None)):
            action(record)
        elif hasattr(record, "expected"):
            self.forecast.expect(*record.expected)
            self._begin()
        elif self._is_shown(record):
            self.display.print(record.getMessage())

    def _actions(self) -> dict[LogEvent, Callable[[LogRecord], None]]:
        return {
            LogEvent.RUN_INFO: self._plan,
            LogEvent.JOB_INFO: self._start,
            LogEvent.JOB_FINISHED: lambda record: self.forecast.finish(record.job_id),
            LogEvent.JOB_ERROR: self._fail,
        }

    def _is_shown(self, record: LogRecord) -> bool:
        """Messages of the project, and errors that are not those of a job, which was shown."""
        if hasattr(record, "shown") or record.getMessage().startswith(SHOWN):
            return True
        of_a_job = self._failed or getattr(record, "exception", "") == "RuleException"
        return record.levelno >= ERROR and not of_a_job

    def _plan(self, record: LogRecord) -> None:
        counts = {rule: n for rule, n in record.stats.items() if rule not in ("total", "all")}
        self.forecast.plan(counts)

    def _begin(self) -> None:
        self.display.print(self.forecast.announcement())
        self.ticker.start()

    def _start(self, record: LogRecord) -> None:
        log = Path(record.log[0]) if record.log else None
        self.forecast.start(record.jobid, record.rule_name, dict(record.wildcards or {}), log)

    def _fail(self, record: LogRecord) -> None:
        self._failed.append(record.rule_name)
        self.forecast.finish(record.jobid)
        log = Path(record.log[0]) if record.log else None
        self.display.print(f"{record.rule_name} failed: {_last_line(log)}")

    def tick(self) -> None:
        """Show how far the run is."""
        self.display.show(self.forecast)

    def close(self) -> None:
        if self.ticker.is_alive():
            self.ticker.stop()
        self.display.close()
        if self._failed:
            self.display.print(f"{len(self._failed)} jobs failed: {', '.join(self._failed)}")
        super().close()


def _last_line(log: Path | None) -> str:
    """The last line of a job's log, where jobs write what is wrong, and where the log is."""
    if log is None or not log.is_file():
        return "it wrote no log"
    lines = log.read_text(errors="replace").split("\n") if log.suffix == ".log" else []
    line = next((line for line in reversed(lines) if line.strip()), "see above")
    return f"{line} (log: {log})"
