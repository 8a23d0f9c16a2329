"""What an example and a record cost, from what was measured or published, and where that stands.

For plans: no torch, and only files of this project. InputError for one that is missing.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunescope.errors import InputError

RESULTS = Path("benchmarks/results")
PUBLISHED = Path("data/reference/feather_table_a2.csv")
# Of the paper's twelve benchmarks: as in their cards, but 15,501 of AI2D and 8,910 of POPE.
PUBLISHED_EXAMPLES = 345_303
ANSWER = 32  # tokens; a box in fractions has some 27 of Llama's, most answers have fewer
SMALL = 0.1  # gigabytes of weights; the testbeds have less, and no model of 7 billion parameters


@dataclass(frozen=True)
class Speed:
    """seconds: that one example takes by itself, without pruning, on what `hours` are hours of."""

    seconds: float
    hours: str
    source: str


def speed(folder: Path | str) -> Speed:
    """That of the models of the size that is in a folder; of 7 billion parameters if there is none,
    or none as small as a testbed."""
    weights = sum(file.stat().st_size for file in Path(folder).glob("*.safetensors")) / 1e9
    if 0 < weights < SMALL:
        return _testbed()
    return _seven_billion() if (RESULTS / "engine-7b-cuda.json").is_file() else _published()


def _testbed() -> Speed:
    path, measured = _result("evaluation")
    seconds = max(
        case["seconds"]["one at a time"] / case["methods"] / measured["examples"]
        for case in measured["cases"]
    )
    return Speed(seconds, "hours of a core", f"as small as a testbed: measured ({path})")


def _seven_billion() -> Speed:
    path, measured = _result("engine-7b-cuda")
    [case] = [each for each in measured["cases"] if each["batch"] == 1]
    [whole] = [each for each in case["methods"] if each["method"] == "unpruned"]
    seconds = whole["prefill seconds"] + ANSWER * whole["decode seconds per token"]
    how = f"prompt of 1,000 tokens, answer of {ANSWER}, without the vision tower"
    return Speed(seconds, "GPU-hours", f"counted as 7 billion parameters: measured, {how} ({path})")


def _published() -> Speed:
    with _open(PUBLISHED) as file:
        rows = [each for each in csv.DictReader(file) if each["task"] == "gpu-hours"]
    [hours] = [float(each["value"]) for each in rows if each["method"] == "unpruned"]
    return Speed(
        3600 * hours / PUBLISHED_EXAMPLES,
        "GPU-hours",
        "counted as 7 billion parameters:\n    not measured by this project, but published: "
        f"{hours} hours of an NVIDIA L40S for\n    {PUBLISHED_EXAMPLES:,} examples ({PUBLISHED})",
    )


def sharing() -> tuple[float, str]:
    """Time of all methods together over that of each by itself, one example at a time; source."""
    path, measured = _result("evaluation")
    case = max(measured["cases"], key=lambda each: each["of one at a time"])
    how = f"{case['methods']} methods in batches of {measured['examples']}"
    return case["of one at a time"], f"measured with a testbed, {how} ({path})"


def record_bytes() -> tuple[float, str]:
    """Of a record, in the store and once more where a job collects it; source."""
    path, measured = _result("aggregate")
    forms = {case["form"]: case["bytes a record"] for case in measured["cases"]}
    return sum(forms.values()), f"as measured ({path})"


def _result(name: str) -> tuple[Path, Any]:
    """File and measurements of a script of benchmarks/."""
    path = RESULTS / f"{name}.json"
    with _open(path) as file:
        return path, json.load(file)["measured"]


def _open(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    return path.open()
