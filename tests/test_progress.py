"""Progress lines of long loops: when they come, what they say, and that they can be read again."""

import logging

import pytest

from prunescope import progress
from prunescope.progress import Progress, duration, fraction_done


class Clock:
    """Seconds that pass only when a test says so."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger=progress.__name__)
    return lambda: [record.message for record in caplog.records]


def test_lines_come_at_growing_intervals(lines):
    clock = Clock()
    counter = Progress(200, "answers", clock)
    at = []
    for _ in range(100):
        clock.now += 1
        before = len(lines())
        counter.advance()
        if len(lines()) > before:
            at.append(clock.now - 100)
    assert at == [5, 15, 35, 65, 95]
    assert lines()[0] == "answers: 5 of 200 (2 %), about 3 min left"


def test_sizes_of_batches_count(monkeypatch, lines, tmp_path):
    monkeypatch.setattr(progress, "FIRST", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    batches = [range(600), range(600), range(34)]
    counter = Progress(1234, "locate")
    for batch in batches:
        counter.advance(len(batch))
    assert len(lines()) == 3 and "1,200 of 1,234 (97 %)" in lines()[1]
    log = tmp_path / "x.log"
    log.write_text("\n".join(["12:00 prunescope.progress: " + line for line in lines()[:2]]))
    assert fraction_done(log) == 1200 / 1234


def test_the_latest_line_of_a_long_log_counts(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("a: 1 of 4 (25 %), about 1 s left\n" + "b: 3 of 4 (75 %)\n" + "noise\n" * 500)
    assert fraction_done(log) == 0.75


@pytest.mark.parametrize("text", ["", "Loading 3 of 4 parts\n", "a: 0 of 0 (0 %)\n"])
def test_a_log_without_progress(tmp_path, text):
    (tmp_path / "x.log").write_text(text)
    assert fraction_done(tmp_path / "x.log") is None
    assert fraction_done(tmp_path / "none.log") is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (300, "5 min"), (7200, "2.0 h")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words
