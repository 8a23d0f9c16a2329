"""What an example and a record cost, from what was measured, and where that stands.

For plans: no torch, and only files of this project. InputError for one that is missing.
"""

import json
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


def speed(folder: Path | str) -> Speed:
    """That of the models of the size that is in a folder; of 7 billion parameters if there is none,
    or none as small as a testbed."""
    weights = sum(file.stat().st_size for file in Path(folder).glob("*.safetensors")) / 1e9
    return _testbed() if 0 < weights < SMALL else _seven_billion()


def _testbed() -> Speed:
    path, result = _result("evaluation")
    measured = result["measured"]
    seconds = {
        case["task"]: case["seconds"]["separate"] / case["methods"] / measured["examples"]
        for case in measured["cases"]
    }
    source = f"as small as a testbed: measured ({path})"
    shared = _sharing(path, measured)
    return Speed(seconds["exists"], seconds["locate"], "hours of a core", source, *shared)


def _seven_billion() -> Speed:
    path, result = _result("throughput-7b-cuda")
    measured = result["measured"]
    batch = max(measured["batch"])
    seconds = {
        case["task"]: 1 / case["examples per second"]
        for case in measured["alone"]
        if case["methods"] == ["unpruned"] and case["batch size"] == batch
    }
    source = (
        f"counted as 7 billion parameters: measured on an {result['machine']['gpu']},\n"
        f"    batches of {batch}, from pictures to answers of 24 tokens or one\n    ({path})"
    )
    other, shared = _result("evaluation-7b-cuda")
    shared = _sharing(other, shared["measured"])
    return Speed(seconds["tallyqa"], seconds["refcoco"], "GPU-hours", source, *shared)


def _sharing(path: Path, measured: Any) -> tuple[float, str]:
    case = max(measured["cases"], key=lambda each: each["of separate"])
    how = f"{case['methods']} methods in batches of {measured['examples']}"
    return case["of separate"], f"measured with {how} ({path})"


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
