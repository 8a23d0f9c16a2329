"""What a study takes before anything of it runs: work, time, downloads and disk. No torch.

For a dry run of the workflow, and `prunescope plan`. Numbers are about as good as the measurements
that the plan names.
"""

import json
import math
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from rich.console import Console

from prunescope.hub import origins
from prunescope.progress import duration
from prunescope.study import speeds
from prunescope.study.downloads import downloads, instructions, repositories
from prunescope.study.speeds import CORE, GPU
from prunescope.study.study import Study
from prunescope.study.workload import Work, jobs, total_seconds, workload
from prunescope.text_tables import text_table

LAYERS, TOKENS = 32, 729  # of the paper's model, for a model that is not there yet
VARIANTS = 3  # of stored scores; `score_extraction.EXTRACTED`, which needs torch
NUMBER = 4  # bytes of a stored score
WIDTH = 100  # characters of a line


def text(study: Study, cores: int | None = None) -> str:
    """The plan, with the sources of its numbers. cores: those that the study may use; by default
    all of this machine."""
    works, sizes = workload(study), downloads(study)
    parts = [
        [f"Study {study.name}: {total(study, cores)}", "Answers that are stored are not redone."],
        [_table(study, works)],
        [*_time(works)],
        [*_downloads(study, sizes)],
        [*_disk(study, works, sizes)],
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def total(study: Study, cores: int | None = None) -> str:
    """One line: time, downloads and disk of the whole study."""
    works, sizes = workload(study), downloads(study)
    time, disk = time_words(total_seconds(study), cores), _disk_sizes(study, works, sizes)
    return f"{time}; downloads {_size(sizes.values())}; needs {_size([*chain(*disk)])} of disk"


def time_words(seconds: Mapping[str, float], cores: int | None = None) -> str:
    """Seconds by unit as one phrase, such as "about 4 min on 2 cores"."""
    cores = cores or os.cpu_count() or 1
    phrases = [f"{_about(seconds.get(CORE, 0) / cores)} on {_plural(cores, 'core')}"]
    if seconds.get(GPU):
        phrases.insert(0, f"{_about(seconds[GPU])} of a GPU")
    return " and ".join(phrases)


def _table(study: Study, works: Sequence[Work]) -> str:
    """A row for each model and task, one for everything else, and the sum."""
    seconds, others = {}, 0.0
    for job in jobs(study):
        if job.rule == "evaluate":
            seconds[job.key] = seconds.get(job.key, 0) + job.seconds * job.count
        else:
            others += job.seconds * job.count
    counted = ("questions", "answers", "scored")
    rows = []
    for work in works:
        counts = (_count(getattr(work, name)) for name in counted)
        time = _duration(seconds[f"{work.model}/{work.task}"])
        rows.append([work.model, work.task, *counts, time])
    rows.append(["attention, budgets, report", "", "", "", "", _duration(others)])
    sums = (_count(sum(getattr(work, name) for work in works)) for name in counted)
    rows.append(["all", "", *sums, _duration(others + sum(seconds.values()))])
    numbers = (*counted, "time of a core or GPU")
    console = Console(width=WIDTH, color_system=None)
    return text_table(console, ("model", "task", *numbers), rows, numbers)


def _time(works: Sequence[Work]) -> Iterator[str]:
    """How the times are worked out."""
    most = {unit: 0.0 for unit in (CORE, GPU)}
    for work in works:
        most[work.speed.unit] += work.evaluation(shared=False) + work.extraction()
    yield "Time: seconds of a question x (questions x methods x sharing + scored)"
    for name, speed in {work.model: work.speed for work in works}.items():
        one, more = f"{speed.one_token:.2g}", f"{speed.tokens:.2g}"
        yield f"  seconds of {name}: {more}, or {one} where an answer is one token; measured:"
        yield f"    {speed.source}"
        yield f"  sharing: {speed.sharing:.2g}, time of all methods together over alone; measured:"
        yield f"    {speed.shared}"
    yield f"  without sharing: {' and '.join(_most(most))}"


def _most(seconds: Mapping[str, float]) -> list[str]:
    return [f"{_duration(total)} of a {unit}" for unit, total in seconds.items() if total]


def _downloads(study: Study, sizes: Mapping[str, float]) -> Iterator[str]:
    yield f"Downloads: {_size(sizes.values())}"
    origin = repositories(study)
    for name, size in sizes.items():
        source = f", from {', '.join(origin[name])}" if name in origin else ""
        yield f"  {name}: {'unknown' if math.isnan(size) else f'{size:g} GB'}{source}"
    if any(name in origin for name in sizes):
        yield "  Gated repositories need `hf auth login`, and their terms accepted."
    if by_hand := instructions(study, sizes):
        yield "  By hand, before the tasks can begin:"
        yield from (f"    {task}: {how}" for task, how in by_hand.items())
    if sizes:
        yield "  Sizes are stated in the study and in the cards of its tasks, with their sources."
        yield "  A folder that exists counts as complete."


def _disk(study: Study, works: Sequence[Work], sizes: Mapping[str, float]) -> Iterator[str]:
    fetched, records, scores = _disk_sizes(study, works, sizes)
    size, source = speeds.record_bytes()
    shapes = {name: shape(model["path"]) for name, model in study.models.items()}
    yield f"Disk: {_size([*fetched, *records, *scores])}"
    if fetched:
        yield f"  downloads: {_size(fetched)}; twice, as they come and unpacked or converted"
    answers = _count(sum(work.answers for work in works))
    yield f"  records: {_size(records)}; {answers} of {size} bytes, {source}"
    numbers = f"scored x layers x tokens x {VARIANTS} kinds x {NUMBER} bytes"
    yield f"  scores: {_size(scores)}; {numbers}"
    for name, (layers, tokens) in shapes.items():
        there = origins.is_present(study.models[name])
        yield f"    {name}: {layers} x {tokens}" + ("" if there else ", as the paper's model")


def _disk_sizes(
    study: Study, works: Sequence[Work], sizes: Mapping[str, float]
) -> tuple[list[float], list[float], list[float]]:
    """Gigabytes of each download, of records and of scores."""
    shapes = {name: shape(model["path"]) for name, model in study.models.items()}
    numbers = sum(work.scored * math.prod(shapes[work.model]) for work in works)
    records = sum(work.answers for work in works) * speeds.record_bytes()[0]
    fetched = [2 * size for size in sizes.values()]
    return fetched, [records / 1e9], [numbers * VARIANTS * NUMBER / 1e9]


def shape(folder: Path | str) -> tuple[int, int]:
    """Decoder layers and visual tokens of the model in a folder, as its config.json says; those of
    the paper's model where it does not."""
    path = Path(folder) / "config.json"
    settings = json.loads(path.read_text()) if path.is_file() else {}
    vision = settings.get("vision_config", {})
    sides = [vision.get(key) for key in ("image_size", "patch_size")]
    stated = all(isinstance(side, int) for side in sides)
    tokens = (sides[0] // sides[1]) ** 2 if stated else TOKENS
    return settings.get("text_config", settings).get("num_hidden_layers", LAYERS), tokens


def _size(sizes: Collection[float]) -> str:
    """The sum of gigabytes, some of which may be unknown."""
    known = [size for size in sizes if not math.isnan(size)]
    unknown = len(sizes) - len(known)
    if not sum(known) and not unknown:
        return "nothing"
    amount = f"about {float(f'{sum(known):.2g}'):,.10g} GB"
    return amount + (f", and {unknown} of unknown size" if unknown else "")


def _about(seconds: float) -> str:
    return "an unknown time" if math.isnan(seconds) else f"about {duration(seconds)}"


def _duration(seconds: float) -> str:
    return "unknown" if math.isnan(seconds) else duration(seconds)


def _count(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:,}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + "s" * (count != 1)
