"""Unambiguous questions about a scene: one localization task and six others.

Every question has exactly one right answer, read off the scene's description, never off its pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prunescope.testbed.scenes import BACKGROUNDS, COLORS, SHAPES, Object, Scene

BINS = 32  # a coordinate is one of 32 words per axis: 3 pixels each
MARGIN = 6  # pixels between centres below which a spatial relation is not asked about
RELATIONS: dict[str, Callable[[Object, Object], float]] = {
    "left of": lambda a, b: b.centre[0] - a.centre[0],
    "right of": lambda a, b: a.centre[0] - b.centre[0],
    "above": lambda a, b: b.centre[1] - a.centre[1],
    "below": lambda a, b: a.centre[1] - b.centre[1],
}


@dataclass(frozen=True)
class Question:
    """`answer` is the text to generate; `box` (normalised xyxy) only where a box is asked for."""

    task: str
    kind: str
    text: str
    answer: str
    box: tuple[float, float, float, float] | None = None


def box_to_words(box: tuple[float, float, float, float]) -> str:
    """Normalised xyxy -> four bin numbers; `metrics.parse_grid32` reads them."""
    return " ".join(str(min(int(v * BINS), BINS - 1)) for v in box)


def _name(o: Object) -> str:
    return f"{o.color} {o.shape}"


def _pick(rng: np.random.Generator, items: list):
    return items[int(rng.integers(len(items)))] if items else None


def _unique(scene: Scene, attribute: str) -> list[Object]:
    values = [getattr(o, attribute) for o in scene.objects]
    return [o for o, v in zip(scene.objects, values, strict=True) if values.count(v) == 1]


def _locate(scene: Scene, kind: str, description: str, target: Object) -> Question:
    return Question(
        "locate", kind, f"where is the {description}", box_to_words(target.box), target.box
    )


def _locate_pair(scene: Scene, rng: np.random.Generator) -> Question:
    target = _pick(rng, list(scene.objects))
    return _locate(scene, "pair", _name(target), target)


def _locate_attribute(scene: Scene, rng: np.random.Generator) -> Question | None:
    options = [(o, f"{o.color} thing") for o in _unique(scene, "color")]
    options += [(o, o.shape) for o in _unique(scene, "shape")]
    chosen = _pick(rng, options)
    return chosen and _locate(scene, "attribute", chosen[1], chosen[0])


def _related(scene: Scene, shape: str, relation: str, anchor: Object) -> Object | None:
    """The one object of `shape` in `relation` to `anchor` among several of that shape, if clear."""
    candidates = [o for o in scene.objects if o.shape == shape and o is not anchor]
    gaps = [RELATIONS[relation](o, anchor) for o in candidates]
    if len(candidates) < 2 or any(abs(g) < MARGIN for g in gaps) or sum(g > 0 for g in gaps) != 1:
        return None
    return next(o for o, g in zip(candidates, gaps, strict=True) if g > 0)


def _locate_relation(scene: Scene, rng: np.random.Generator) -> Question | None:
    options = [
        (target, f"{shape} {relation} the {_name(anchor)}")
        for shape in SHAPES
        for relation in RELATIONS
        for anchor in scene.objects
        if (target := _related(scene, shape, relation, anchor))
    ]
    chosen = _pick(rng, options)
    return chosen and _locate(scene, "relation", chosen[1], chosen[0])


LOCATE_KINDS = {_locate_pair: 0.6, _locate_attribute: 0.25, _locate_relation: 0.15}


def _ask_locate(scene: Scene, rng: np.random.Generator) -> Question:
    kind = rng.choice(len(LOCATE_KINDS), p=list(LOCATE_KINDS.values()))
    return tuple(LOCATE_KINDS)[kind](scene, rng) or _locate_pair(scene, rng)


def _ask_exists(scene: Scene, rng: np.random.Generator) -> Question:
    """Balanced; half of the absent pairs have their colour and their shape in the scene."""
    present = [_name(o) for o in scene.objects]
    if rng.random() < 0.5:
        return Question("exists", "present", f"is there a {_pick(rng, present)}", "yes")
    absent = [f"{c} {s}" for c in COLORS for s in SHAPES if f"{c} {s}" not in present]
    colors, shapes = ({getattr(o, a) for o in scene.objects} for a in ("color", "shape"))
    hard = [n for n in absent if n.split()[0] in colors and n.split()[1] in shapes]
    kind = "hard" if hard and rng.random() < 0.5 else "absent"
    return Question(
        "exists", kind, f"is there a {_pick(rng, hard if kind == 'hard' else absent)}", "no"
    )


def _ask_count(scene: Scene, rng: np.random.Generator) -> Question:
    if rng.random() < 0.5:
        shape = _pick(rng, list(SHAPES))
        number = sum(o.shape == shape for o in scene.objects)
        return Question("count", "shape", f"how many {shape} things", str(number))
    color = _pick(rng, list(COLORS))
    number = sum(o.color == color for o in scene.objects)
    return Question("count", "color", f"how many {color} things", str(number))


def _ask_color(scene: Scene, rng: np.random.Generator) -> Question | None:
    o = _pick(rng, _unique(scene, "shape"))
    return o and Question("color", "", f"what color is the {o.shape}", o.color)


def _ask_shape(scene: Scene, rng: np.random.Generator) -> Question | None:
    o = _pick(rng, _unique(scene, "color"))
    return o and Question("shape", "", f"what shape is the {o.color} thing", o.shape)


def _ask_background(scene: Scene, rng: np.random.Generator) -> Question:
    if rng.random() < 0.5:
        return Question("background", "open", "what color is the background", scene.background)
    guess = scene.background if rng.random() < 0.5 else _pick(rng, list(BACKGROUNDS))
    answer = "yes" if guess == scene.background else "no"
    return Question("background", "verify", f"is the background {guess}", answer)


def _ask_relation(scene: Scene, rng: np.random.Generator) -> Question | None:
    """Balanced by construction: the reverse of every askable relation is askable too."""
    options = [
        (f"is the {_name(a)} {relation} the {_name(b)}", gap > 0)
        for relation, measure in RELATIONS.items()
        for a in scene.objects
        for b in scene.objects
        if a is not b and abs(gap := measure(a, b)) >= MARGIN
    ]
    chosen = _pick(rng, options)
    return chosen and Question("relation", "", chosen[0], "yes" if chosen[1] else "no")


ASK: dict[str, Callable[[Scene, np.random.Generator], Question | None]] = {
    "locate": _ask_locate,
    "exists": _ask_exists,
    "count": _ask_count,
    "color": _ask_color,
    "shape": _ask_shape,
    "background": _ask_background,
    "relation": _ask_relation,
}


def describe(scene: Scene, rng: np.random.Generator) -> Question:
    """A caption that goes on: "red circle" or a telling attribute, then the box or the other one.

    Only for training: what a word means is next to where the thing is, as in captions of images.
    """
    unique = [(o, a) for a in ("color", "shape") for o in _unique(scene, a)]
    o = _pick(rng, list(scene.objects))
    chosen = _pick(rng, unique)
    if rng.random() < 0.4 or chosen is None:
        return Question("caption", "pair", _name(o), box_to_words(o.box))
    o, known = chosen
    other = {"color": "shape", "shape": "color"}[known]
    answer = box_to_words(o.box) if rng.random() < 0.6 else getattr(o, other)
    return Question("caption", known, getattr(o, known), answer)
