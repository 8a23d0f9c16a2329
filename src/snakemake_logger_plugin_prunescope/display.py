"""Where the progress of a run is shown: a bar on a terminal, or a line now and then."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from prunescope.progress import duration
from snakemake_logger_plugin_prunescope.forecast import Forecast


class Display(Protocol):
    """Shows a forecast again and again, every `interval` seconds."""

    interval: float

    def show(self, forecast: Forecast) -> None: ...

    def print(self, text: str) -> None: ...

    def close(self) -> None: ...


class Lines:
    """A line every 30 s, for logs."""

    interval = 30.0

    def __init__(self, stream: TextIO):
        self._stream = stream

    def show(self, forecast: Forecast) -> None:
        self.print(forecast.status())

    def print(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        pass


class Bar:
    """A bar at the bottom of a terminal; messages stay above it."""

    interval = 0.5

    def __init__(self, stream: TextIO):
        self._console = Console(file=stream, highlight=False)
        counts, left, names = (
            "{task.fields[jobs]}",
            "{task.fields[left]} left",
            "{task.description}",
        )
        columns = map(TextColumn, (counts, left, names))
        bar = BarColumn(bar_width=30), TaskProgressColumn()
        self._progress = Progress(*bar, *columns, console=self._console, auto_refresh=False)
        self._task = None

    def show(self, forecast: Forecast) -> None:
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("", total=1.0, jobs="", left="")
        self._progress.update(
            self._task,
            completed=forecast.fraction(),
            jobs=f"{forecast.finished}/{forecast.jobs} jobs",
            left=duration(forecast.seconds_left()),
            description=forecast.names(),
            refresh=True,
        )

    def print(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._progress.stop()


class Ticker(Thread):
    """Calls a function every `interval` seconds until it is stopped."""

    def __init__(self, function: Callable[[], None], interval: float):
        super().__init__(daemon=True)
        self._function, self._interval, self._stopped = function, interval, Event()

    def run(self) -> None:
        while not self._stopped.wait(self._interval):
            self._function()

    def stop(self) -> None:
        self._stopped.set()
        self.join()
