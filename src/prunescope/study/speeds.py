"""What an example and a record cost, from what was measured, and where that stands.

For plans: no torch, and only files of this project. InputError for one that is missing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunescope.errors import InputError

RESULTS = Path("benchmarks/results")
SMALL = 0.1  # gigabytes of weights; the testbeds have less, and no model of 7 billion parameters


@dataclass(frozen=True)
class Speed:
    """Of a model. one_token, tokens: seconds that an example takes, by itself without pruning, of
    tasks whose answers are one token and of others, on what `hours` are hours of; sharing: time of
    all methods together over that of each by itself; source, shared: where these are from."""

    one_token: float
    tokens: float
    hours: str
    source: str
    sharing: float
    shared: str


def speed(folder: Path | str, batch_size: int) -> Speed:
    """That of the models of the size that is in a folder; of 7 billion parameters if there is none,
    or none as small as a testbed. batch_size: the study's."""
    weights = sum(file.stat().st_size for file in Path(folder).glob("*.safetensors")) / 1e9
    return _testbed() if 0 < weights < SMALL else _seven_billion(batch_size)


def _testbed() -> Speed:
    path, result = _result("evaluation")
    measured = result["measured"]
    seconds = {
        case["task"]: case["seconds"]["separate"] / case["methods"] / measured["examples"]
        for case in measured["cases"]
    }
    source = (
        f"as small as a testbed: measured in batches of {measured['examples']}, on locate and\n"
        f"    exists, whose answers are one token ({path})"
    )
    shared = _sharing(path, measured, "exists")
    return Speed(seconds["exists"], seconds["locate"], "hours of a core", source, *shared)


def _seven_billion(batch_size: int) -> Speed:
    path, result = _result("throughput-7b-cuda")
    measured = result["measured"]
    batch = _nearest(measured["batch"], batch_size)
    seconds = {
        case["task"]: 1 / case["examples per second"]
        for case in measured["alone"]
        if case["methods"] == ["unpruned"] and case["batch size"] == batch
    }
    sizes = ", ".join(map(str, measured["batch"]))
    source = (
        f"counted as 7 billion parameters: measured on an {result['machine']['gpu']},\n"
        f"    on refcoco, with answers of 24 tokens, and tallyqa, with one, from pictures on,\n"
        f"    in batches of {batch} (measured: {sizes}; the study's: {batch_size})\n    ({path})"
    )
    each = [_result(f"evaluation-7b-cuda-{task}") for task in ("tallyqa", "refcoco")]
    sharing = max(_sharing(file, found["measured"], "tallyqa") for file, found in each)
    return Speed(seconds["tallyqa"], seconds["refcoco"], "GPU-hours", source, *sharing)


def _nearest(sizes: Sequence[int], wanted: int) -> int:
    """The largest that is not above the wanted one, or the smallest."""
    return max((each for each in sizes if each <= wanted), default=min(sizes))


def _sharing(path: Path, measured: Any, one_token: str) -> tuple[float, str]:
    case = max(measured["cases"], key=lambda each: each["of separate"])
    tokens = "one token" if case["task"] == one_token else "several tokens"
    how = f"{case['methods']} methods in batches of {measured['examples']}"
    where = f"{case['task']}, with answers of {tokens}"
    return case["of separate"], f"measured on {where}, {how}\n    ({path})"


def record_bytes() -> tuple[float, str]:
    """Of a record, in the store and once more where a job collects it; source."""
    path, result = _result("aggregate")
    forms = {case["form"]: case["bytes a record"] for case in result["measured"]["cases"]}
    return sum(forms.values()), f"as measured ({path})"


def _result(name: str) -> tuple[Path, Any]:
    """File and content of what a script of benchmarks/ wrote."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    return path, json.loads(path.read_text())
