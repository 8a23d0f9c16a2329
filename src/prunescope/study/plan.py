"""What a study takes before anything of it runs: work, time, download and disk. No torch.

For a dry run of the workflow, and `prunescope plan`. Counts are those of the configuration and the
task cards; what follows from them is about as good as the measurements that it names.
"""

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prunescope.hub import origins
from prunescope.study import speeds
from prunescope.study.speeds import Speed
from prunescope.study.study import CARDS, Study
from prunescope.tasks.card import Task

UNKNOWN = math.nan
LAYERS, TOKENS = 32, 729  # the paper's model, for one that is not there
VARIANTS = 3  # of stored scores; extraction.EXTRACTED, which needs torch
NUMBER = 4  # bytes


@dataclass(frozen=True)
class Work:
    """Of a model on a task. seconds: of an example with a method by itself; examples: that are
    answered with each of the methods; scored: whose attention is stored; UNKNOWN where neither the
    study nor the card says. jobs: of each rule."""

    model: str
    task: str
    speed: Speed
    seconds: float
    methods: int
    jobs: int
    examples: float
    scored: float

    def hours(self, shared: bool = True) -> float:
        """shared: with what methods have in common done once; it is less with few methods, so that
        at least one is counted in full."""
        ratio = self.speed.sharing if shared else 1
        passes = self.examples * max(self.methods * ratio, 1) + self.scored
        return self.seconds * passes / 3600


def work(study: Study) -> list[Work]:
    """By model and task."""
    methods, limits = len(study.methods), study.config["limits"]
    spent = {
        name: speeds.speed(model["path"], study.config["batch_size"])
        for name, model in study.models.items()
    }
    cards = study.tasks.values()
    return [
        Work(
            *(model, card.name, speed),
            seconds=speed.one_token if card.max_new_tokens == 1 else speed.tokens,
            methods=methods,
            jobs=study.config["shards"],
            examples=_fewer(limits["evaluate"], card.examples),
            scored=_fewer(limits["attention"], card.examples),
        )
        for model, speed in spent.items()
        for card in cards
    ]


def _fewer(limit: int | None, examples: int | None) -> float:
    return min((each for each in (limit, examples) if each is not None), default=UNKNOWN)


def downloads(study: Study) -> dict[str, float]:
    """Gigabytes by model, data set or archive, each once; UNKNOWN where nobody says. A model that
    is there is not fetched, nor data whose folder is; of a cache of the hub nothing is known."""
    models = {
        f"model {name}": model.get("gigabytes")
        for name, model in study.models.items()
        if not origins.is_present(model)
    }
    data = {
        name: size
        for card in study.tasks.values()
        if card.source != "testbed"
        for name, size in (card.gigabytes or {card.name: None}).items()
        if not _is_there(card, name)
    }
    return {k: UNKNOWN if v is None else v for k, v in (models | data).items()}


def by_hand(study: Study, sizes: Collection[str]) -> dict[str, str]:
    """By task, how to get those of its downloads that are not repositories of the hub."""
    told = {
        card.name: [part["how"] for part in (card.folder, card.images) if part and "how" in part]
        for card in study.tasks.values()
        if any("/" not in name and name in sizes for name in card.gigabytes)
    }
    return {name: " ".join(hows) for name, hows in told.items()}


def _is_there(card: Task, name: str) -> bool:
    """Whether the folder is there that a data set or archive of the card is looked for in: the
    study's in the place of an organisation of the hub, or that of the card's images."""
    if card.hub and name in (card.hub["repo"], card.name):
        return Path(card.access.repository(card.hub["repo"])).is_dir()
    under = (card.images or {}).get("under")
    if under is None:
        return False
    if under == ".":  # shared with other cards: the folder that the archive unpacks to tells
        return any(card.access.folder.glob(f"*/{Path(name).stem}"))
    return (card.access.folder / under).is_dir()


def shape(folder: Path | str) -> tuple[int, int]:
    """Decoder layers and visual tokens of the model in a folder, by its config.json; the paper's
    where that does not say."""
    path = Path(folder) / "config.json"
    settings = json.loads(path.read_text()) if path.is_file() else {}
    vision = settings.get("vision_config", {})
    sides = [vision.get(key) for key in ("image_size", "patch_size")]
    known = all(isinstance(each, int) for each in sides)
    tokens = (sides[0] // sides[1]) ** 2 if known else TOKENS
    return settings.get("text_config", settings).get("num_hidden_layers", LAYERS), tokens


def text(study: Study) -> str:
    """The plan, with the sources of its numbers."""
    works = work(study)
    lines = [f"Plan of study {study.name}. What was computed before is not redone."]
    for name in study.models:
        lines += ["", *_table([each for each in works if each.model == name])]
    sizes = downloads(study)
    return "\n".join(
        [*lines, "", *_time(works), *_download(study, sizes), *_disk(study, works, sizes)]
    )


def _table(works: Sequence[Work]) -> Iterator[str]:
    """One row for each task of a model, and their sum."""
    speed = works[0].speed
    yield _row(works[0].model, "examples", "methods", "jobs", "scored", f"about, {speed.hours}")
    for each in works:
        counts = map(_count, (each.examples, each.methods, each.jobs, each.scored))
        yield _row(f"  {each.task}", *counts, _two(each.hours()))
    sums = [sum(getattr(each, key) for each in works) for key in ("examples", "jobs", "scored")]
    examples, jobs, scored = map(_count, sums)
    hours = _two(sum(each.hours() for each in works))
    yield _row("  all", examples, _count(works[0].methods), jobs, scored, hours)


def _row(name: str, *cells: str) -> str:
    return f"{name:<24}" + "".join(f"{cell:>10}" for cell in cells[:-1]) + f"  {cells[-1]:>24}"


def _time(works: Sequence[Work]) -> Iterator[str]:
    for kind in dict.fromkeys(each.speed.hours for each in works):
        some = [each for each in works if each.speed.hours == kind]
        hours, most = (sum(each.hours(shared) for each in some) for shared in (True, False))
        yield f"Time: about {_two(hours)} {kind}; {_two(most)} if methods shared nothing."
    yield "  seconds of an example x (examples x methods x sharing + scored), where"
    for name, speed in {each.model: each.speed for each in works}.items():
        one, more = f"{speed.one_token:.2g}", f"{speed.tokens:.2g}"
        yield f"  seconds: {more} for {name}, {one} where an answer is one token;"
        yield f"    {speed.source}"
        yield f"  sharing: {speed.sharing:.2g}, time of all methods together over one by one;"
        yield f"    {speed.shared}"
    yield "  Not in it: to load models, to time methods, to draw figures."


def _download(study: Study, sizes: Mapping[str, float]) -> Iterator[str]:
    yield f"Download: {_sum(sizes.values())}."
    sources = {
        f"model {name}": [
            each["request"]["repo"] for each in origins.downloads({name: model}).values()
        ]
        for name, model in study.models.items()
        if origins.origin_of(model)
    }
    for name, size in sizes.items():
        source = f", from {', '.join(sources[name])}" if name in sources else ""
        yield f"  {name}: " + ("unknown" if math.isnan(size) else f"{size:g} GB") + source
    if any(name in sources for name in sizes):
        yield "  Repositories that are gated want `hf auth login`, and their terms accepted."
    if hands := by_hand(study, sizes):
        yield "  By hand, before the tasks can begin:"
        yield from (f"    {name}: {how}" for name, how in hands.items())
    if sizes:
        yield f"  Sizes are the study's own, and those of {CARDS}, which say their sources."
    yield "  Not in it: what has a folder of its own already; nobody looks whether all is in it."


def _disk(study: Study, works: Sequence[Work], sizes: Mapping[str, float]) -> Iterator[str]:
    size, source = speeds.record_bytes()
    count = sum(each.examples * each.methods for each in works)
    shapes = {name: shape(model["path"]) for name, model in study.models.items()}
    there = {name for name, model in study.models.items() if origins.is_present(model)}
    scored = sum(each.scored * math.prod(shapes[each.model]) for each in works)
    fetched = [2 * each for each in sizes.values()]
    records, scores = count * size / 1e9, scored * VARIANTS * NUMBER / 1e9
    sides = ", ".join(
        f"{name} {layers} x {tokens}"
        + ("" if name in there else " as the paper's, not being there")
        for name, (layers, tokens) in shapes.items()
    )
    yield f"Disk: {_sum([*fetched, records, scores])}."
    yield f"  downloads: {_sum(fetched)}; twice: as they come, and unpacked,"
    yield "    converted or as Arrow"
    yield f"  records: {_sum([records])}; {_count(count)} of {size} bytes, {source}"
    yield f"  scores: {_sum([scores])}; scored x layers x tokens ({sides})"
    yield f"    x {VARIANTS} kinds x {NUMBER} bytes"


def _sum(sizes: Collection[float]) -> str:
    """Of gigabytes, of which some may not be known."""
    if not sizes:
        return "nothing"
    known = [each for each in sizes if not math.isnan(each)]
    more = len(sizes) - len(known)
    return f"about {_two(sum(known))} GB" + (f", and {more} of unknown size" if more else "")


def _two(value: float) -> str:
    """Two digits that count."""
    return "unknown" if math.isnan(value) else f"{float(f'{value:.2g}'):,.10g}"


def _count(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:,}"
