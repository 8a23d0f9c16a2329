"""Methods as a study writes them, in words. No torch."""

from collections.abc import Mapping, Sequence
from typing import Any

Stage = Mapping[str, Any]  # the keys of a stage, as in methods/library.yaml

SCORES = {
    "attention": "attention",
    "centre": "nearness to the centre",
    "first": "the top rows",
    "knn": "density peaks of the vision tower's features",
    "last": "the bottom rows",
    "lattice": "an even lattice",
    "none": "no token",
    "oracle": "the true box",
    "random": "a random draw",
    "replay": "the tokens that another method keeps",
    "spatial-knn": "local density peaks of the vision tower's features",
    "tower-attention": "attention inside the vision tower",
    "uniform": "a uniform grid",
}
LETTERS = {"rope": "RoPE"}
POSITIONS = {"compact": "positions numbered anew", "shuffled": "positions shuffled"}


def method_in_words(stages: Sequence[Stage]) -> str:
    """A method's stages, one after the other."""
    return "; ".join(map(_stage, stages)) or "the model as it is, with all visual tokens"


def _stage(stage: Stage) -> str:
    parts = [f"{_place(stage['layer'])}: {_kept(stage)}"]
    if always := stage.get("always"):
        parts.append(f"and always {_criterion(always)}")
    if position := POSITIONS.get(stage.get("positions")):
        parts.append(position)
    if scan := stage.get("scan"):
        parts.append(f"image read {scan}")
    return ", ".join(parts)


def _place(layer: float) -> str:
    """Where a stage removes tokens, from an index of a layer or a fraction of the depth."""
    if isinstance(layer, float):
        return f"after {100 * layer:.3g} % of the layers"
    return f"before layer {layer}"


def _kept(stage: Stage) -> str:
    """How many tokens stay, and by which score.

    A score that names a set has no number. None stands for a number that is still to be found.
    """
    score = _criterion(stage["score"])
    amounts = [stage[key] for key in ("remove", "keep") if key in stage]
    if not amounts:
        return f"keep {score}"
    [amount] = amounts
    if amount is None:
        return f"keep some by {score}"
    if isinstance(amount, int) and "keep" in stage:
        return f"keep {amount} tokens by {score}"
    share = amount if "keep" in stage else (1 - amount) ** stage.get("power", 1)
    whole = " of all tokens" if stage.get("of") == "all" else ""
    return f"keep {100 * share:.3g} %{whole} by {score}"


def _criterion(criterion: Mapping[str, Mapping[str, Any] | None]) -> str:
    """A criterion with those of its settings that are written down."""
    [(name, settings)] = criterion.items()
    words = [_setting(key, value) for key, value in (settings or {}).items()]
    return SCORES.get(name, name) + (f" ({', '.join(words)})" if words else "")


def _setting(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{'with' if value else 'without'} {LETTERS.get(key, key)}"
    return f"{key} {value}"
