"""Which method of a study is which of the library: the same but for layers, counts and seeds."""

from typing import Any

Stages = list[dict[str, Any]]
NUMBERS = {"layer", "remove", "power", "keep", "of"}  # of a stage
OPTIONS = {"stride", "seed"}  # of a criterion


def same_kind(one: Stages, other: Stages) -> bool:
    """Do two methods differ in numbers alone?"""
    return _kind(one) == _kind(other)


def _kind(stages: Stages) -> list[dict[str, Any]]:
    return [{k: _criterion(v) for k, v in s.items() if k not in NUMBERS} for s in stages]


def _criterion(value: Any) -> Any:
    """`{name: options}` without its numbers; anything else as it is."""
    if not isinstance(value, dict):
        return value
    [(name, options)] = value.items()
    return name, {k: v for k, v in options.items() if k not in OPTIONS}


def replays(stages: Stages, source: str) -> bool:
    """Does a method drop before the first layer what `source` drops, positions as they were?"""
    original = [{"positions": "original"} | stage for stage in stages]
    return original == [
        {"layer": 0, "score": {"replay": {"method": source}}, "positions": "original"}
    ]


def layers(stages: Stages, depth: int) -> list[int]:
    """The layers before which stages remove tokens, in a model of `depth` layers; not those of
    stages that keep all, and change positions only."""
    at = [stage["layer"] for stage in stages if stage.get("keep") != 1.0]
    return [round(layer * depth) if 0 < layer < 1 else layer for layer in at]


def removed(stages: Stages, tokens: int) -> list[float]:
    """The fraction R of each stage that has one; without any, what the first removes of `tokens`,
    NaN if its criterion decides."""
    if fractions := [stage["remove"] for stage in stages if "remove" in stage]:
        return fractions
    keep = stages[0].get("keep") or float("nan")
    return [1 - (keep / tokens if isinstance(keep, int) else keep)]
