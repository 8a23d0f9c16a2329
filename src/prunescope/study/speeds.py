"""How long questions and jobs take, and how large records are, as files of benchmarks/ say.

No torch. InputError for a file that is missing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from prunescope.errors import InputError
from prunescope.tasks.card import Task

RESULTS = Path("benchmarks/results")
SMALL = 0.1  # gigabytes of weights; testbeds have less, models of 7 billion parameters have more
CORE, GPU = "core", "GPU"  # what seconds are seconds of


@dataclass(frozen=True)
class Speed:
    """Seconds that a model takes for a question, alone and unpruned.

    one_token, tokens: of tasks whose answers are one token, and of other tasks; unit: CORE or GPU;
    source: where these are from. sharing: time of all methods together over the sum of their times
    alone; shared: where that is from.
    """

    one_token: float
    tokens: float
    unit: str
    source: str
    sharing: float
    shared: str

    def seconds_of(self, task: Task) -> float:
        """Seconds for a question of the task."""
        return self.one_token if task.max_new_tokens == 1 else self.tokens


def speed(folder: Path | str, batch_size: int) -> Speed:
    """Speed of the model in a folder, by the size of its weights.

    It is that of a testbed, or of 7 billion parameters for anything larger, and for a model that is
    not there. batch_size: the study's.
    """
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
        f"a testbed in batches of {measured['examples']}, on locate and exists, whose answers are "
        f"one token ({path})"
    )
    shared = _sharing(path, measured, "exists")
    return Speed(seconds["exists"], seconds["locate"], CORE, source, *shared)


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
        f"7 billion parameters on an {result['machine']['gpu']}, on refcoco, with answers of 24 "
        f"tokens, and tallyqa, with one, in batches of {batch} (measured: {sizes}; the study's: "
        f"{batch_size}) ({path})"
    )
    results = [_result(f"evaluation-7b-cuda-{task}") for task in ("tallyqa", "refcoco")]
    sharing = max(_sharing(file, content["measured"], "tallyqa") for file, content in results)
    return Speed(seconds["tallyqa"], seconds["refcoco"], GPU, source, *sharing)


def _nearest(sizes: Sequence[int], wanted: int) -> int:
    """The largest size that is not above the wanted one, or the smallest."""
    return max((size for size in sizes if size <= wanted), default=min(sizes))


def _sharing(path: Path, measured: Any, one_token: str) -> tuple[float, str]:
    """The larger ratio of the cases, and its source. one_token: task with answers of one token."""
    case = max(measured["cases"], key=lambda case: case["of separate"])
    tokens = "one token" if case["task"] == one_token else "several tokens"
    how = f"{case['methods']} methods in batches of {measured['examples']}"
    return case["of separate"], f"{case['task']}, with answers of {tokens}, {how} ({path})"


@cache
def rule_seconds() -> Mapping[str, float]:
    """Seconds of a core by rule, for jobs without a model, as measured in the default study.

    `start`: to begin a job that loads a testbed; `item`: mean of all figures and tables.
    """
    return _result("workflow")[1]["measured"]["rules"]


def record_bytes() -> tuple[float, str]:
    """Bytes of a record, in the store and in the file that a job collects; and their source."""
    path, result = _result("aggregate")
    forms = {case["form"]: case["bytes a record"] for case in result["measured"]["cases"]}
    return sum(forms.values()), f"as measured ({path})"


def _result(name: str) -> tuple[Path, Any]:
    """File and content of a result of benchmarks/."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    return path, json.loads(path.read_text())
