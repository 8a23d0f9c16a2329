"""Matches a study's methods to the library's, ignoring layers, counts and seeds."""

from typing import Any

Stages = list[dict[str, Any]]
NUMBERS = {"layer", "remove", "power", "keep", "of"}  # numeric keys of a stage
OPTIONS = {"stride", "seed"}  # numeric options of a criterion


def same_kind(one: Stages, other: Stages) -> bool:
    """Whether two methods differ in numbers alone."""
    return _without_numbers(one) == _without_numbers(other)


def _without_numbers(stages: Stages) -> list[dict[str, Any]]:
    return [
        {key: _criterion(value) for key, value in stage.items() if key not in NUMBERS}
        for stage in stages
    ]


def _criterion(value: Any) -> Any:
    """A criterion `{name: options}` without its numbers; any other value unchanged."""
    if not isinstance(value, dict):
        return value
    [(name, options)] = value.items()
    return name, {key: option for key, option in options.items() if key not in OPTIONS}


def replays(stages: Stages, source: str) -> bool:
    """Whether a method drops, before the first layer, what `source` drops, and keeps positions."""
    with_positions = [{"positions": "original"} | stage for stage in stages]
    replay = {"layer": 0, "score": {"replay": {"method": source}}, "positions": "original"}
    return with_positions == [replay]


def layers(stages: Stages, depth: int) -> list[int]:
    """Layers before which the stages remove tokens, in a model of `depth` layers.

    A stage that keeps every token only changes positions and is left out.
    """
    stage_layers = [stage["layer"] for stage in stages if stage.get("keep") != 1.0]
    return [round(layer * depth) if 0 < layer < 1 else layer for layer in stage_layers]


def removed(stages: Stages, tokens: int) -> list[float]:
    """Fraction R of every stage that states one.

    If none does: the fraction that the first stage removes of `tokens`, NaN where its criterion
    decides how many.
    """
    if fractions := [stage["remove"] for stage in stages if "remove" in stage]:
        return fractions
    return [1 - kept_fraction(stages[0], tokens)]


def kept_fraction(stage: dict[str, Any], tokens: int) -> float:
    """Fraction of `tokens` that a stage keeps by its score; NaN where its criterion decides."""
    if "remove" in stage:
        return (1 - stage["remove"]) ** stage.get("power", 1)
    keep = stage.get("keep") or float("nan")
    return keep / tokens if isinstance(keep, int) else keep
