"""The progress of a run: what the logger plugin of Snakemake forecasts and prints."""

import io
import logging
import os
import sys
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from snakemake_logger_plugin_prunescope import LogHandler
from snakemake_logger_plugin_prunescope.forecast import NEARLY, Forecast

SECONDS = {"evaluate": {"rope/locate": 60.0, "rope/count": 20.0}, "page": {"": 4.0}}
LOCATE = {"model": "rope", "task": "locate", "shard": "1"}


class Clock:
    """Seconds that pass only when a test says so."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def forecast(clock):
    """Of two evaluations and a page, on two cores: 84 s of work."""
    forecast = Forecast(clock)
    forecast.expect(SECONDS, 2)
    forecast.plan({"evaluate": 2, "page": 1})
    return forecast


def test_it_begins_with_the_time_of_the_whole_run(forecast):
    assert forecast.announcement() == "3 jobs, about 42 s on 2 cores"
    assert forecast.fraction() == 0 and forecast.seconds_left() == 42


def test_jobs_count_by_the_seconds_they_take(forecast, clock):
    forecast.start(1, "evaluate", LOCATE, None)
    forecast.start(2, "page", {}, None)
    clock.now += 30
    assert forecast.fraction() == pytest.approx((30 + 4 * NEARLY) / 84)
    forecast.finish(2)
    assert forecast.fraction() == pytest.approx((30 + 4) / 84)
    clock.now += 1000  # longer than expected, but not finished
    assert forecast.fraction() == pytest.approx((60 * NEARLY + 4) / 84)
    assert "1 of 3 jobs" in forecast.status() and "evaluate rope/locate" in forecast.status()
    forecast.finish(1)
    assert (forecast.finished, forecast.names()) == (2, "")


def test_the_log_of_a_job_says_how_far_it_is(forecast, clock, tmp_path):
    log = tmp_path / "x.log"
    log.write_text("locate: 3 of 4 (75 %), about 1 s left\n")
    os.utime(log, (clock.now - 1,) * 2)  # of an earlier run
    forecast.start(1, "evaluate", LOCATE, log)
    clock.now += 6
    assert forecast.fraction() == pytest.approx(6 / 84)
    os.utime(log, (clock.now,) * 2)
    assert forecast.fraction() == pytest.approx(60 * 0.75 / 84)
    clock.now += 1  # at the speed of the log: 75 % in 6 s
    assert forecast.fraction() == pytest.approx(60 * 0.75 * 7 / 6 / 84)


def test_a_machine_that_is_slower_takes_longer(forecast, clock):
    forecast.start(1, "evaluate", LOCATE, None)
    clock.now += 300
    forecast.finish(1)
    assert forecast.seconds_left() == pytest.approx(24 / ((60 + 40) / 320))


@pytest.fixture
def handler(monkeypatch):
    """A handler, and what it has printed."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    settings = SimpleNamespace(stdout=False, dryrun=False, verbose=False)
    return LogHandler(settings, None), stream


def send(handler, message=None, level=logging.INFO, **attributes):
    record = logging.LogRecord("snakemake", level, "", 0, message, None, None)
    vars(record).update(attributes)
    handler.emit(record)


def start(handler, log, job=1):
    info = {"jobid": job, "rule_name": "evaluate", "wildcards": LOCATE, "log": [str(log)]}
    send(handler, event=LogEvent.JOB_INFO, **info)


def test_snakemake_finds_the_plugin_by_its_name():
    assert LoggerPluginRegistry().get_plugin("prunescope").log_handler is LogHandler


def test_a_run_in_a_log_is_a_few_lines(handler, tmp_path):
    handler, stream = handler
    send(handler, "Building DAG of jobs...")
    send(handler, "Job stats", event=LogEvent.RUN_INFO, stats={"evaluate": 2, "all": 1, "total": 3})
    send(handler, expected=(SECONDS, 2))
    start(handler, tmp_path / "x.log")
    handler.tick()
    send(handler, event=LogEvent.JOB_FINISHED, job_id=1)
    send(handler, "The report is x", shown=True)
    handler.close()
    first, second, last = stream.getvalue().splitlines()
    assert first == "2 jobs, about 40 s on 2 cores"
    assert second.startswith("  0%  0 of 2 jobs, about ")
    assert second.endswith(" left: evaluate rope/locate") and last == "The report is x"


def test_the_useful_line_of_an_error_stands_once(handler, tmp_path):
    handler, stream = handler
    log = tmp_path / "x.log"
    log.write_text("12:00 answers: 1 of 2 (50 %), about 1 s left\nmodel 'x': no weights\n")
    start(handler, log)
    send(handler, "RuleException: ...", logging.ERROR, exception="RuleException")
    send(
        handler,
        None,
        logging.ERROR,
        event=LogEvent.JOB_ERROR,
        jobid=1,
        rule_name="evaluate",
        log=[str(log)],
    )
    send(handler, "Exiting because a job execution failed", logging.ERROR)
    handler.close()
    first, last = stream.getvalue().splitlines()
    assert first == f"evaluate failed: model 'x': no weights (log: {log})"
    assert last == "1 jobs failed: evaluate"


def test_errors_outside_of_jobs_are_shown(handler):
    send(handler[0], "study.yaml: tasks: unknown 'locat'", logging.ERROR)
    assert handler[1].getvalue() == "study.yaml: tasks: unknown 'locat'\n"
