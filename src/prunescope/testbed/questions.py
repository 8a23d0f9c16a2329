"""Unambiguous questions about a scene: one localization task and six others.

Every question has exactly one right answer, which follows from the scene's description, not its
pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prunescope.testbed.scenes import BACKGROUNDS, COLORS, SHAPES, Object, Scene

BINS = 32  # bins of a coordinate; a bin has 3 pixels
MARGIN = 6  # pixels; a spatial relation needs centres that are at least so far apart
# By how many pixels the first object's centre is left of, right of, ... the second one's.
RELATIONS: dict[str, Callable[[Object, Object], float]] = {
    "left of": lambda a, b: b.centre[0] - a.centre[0],
    "right of": lambda a, b: a.centre[0] - b.centre[0],
    "above": lambda a, b: b.centre[1] - a.centre[1],
    "below": lambda a, b: a.centre[1] - b.centre[1],
}


@dataclass(frozen=True)
class Question:
    """A question about a scene.

    answer: the text to generate. box: as fractions (x1, y1, x2, y2), if the question asks for one.
    """

    task: str
    kind: str
    text: str
    answer: str
    box: tuple[float, float, float, float] | None = None


def box_to_words(box: tuple[float, float, float, float]) -> str:
    """Bin numbers of a box in fractions (x1, y1, x2, y2); `metrics.parse_grid32` reads them."""
    return " ".join(str(min(int(corner * BINS), BINS - 1)) for corner in box)


def _name(o: Object) -> str:
    return f"{o.color} {o.shape}"


def _pick(rng: np.random.Generator, items: list):
    return items[int(rng.integers(len(items)))] if items else None


def _unique(scene: Scene, attribute: str) -> list[Object]:
    """Objects whose color or shape no other object of the scene has."""
    values = [getattr(o, attribute) for o in scene.objects]
    return [o for o, value in zip(scene.objects, values, strict=True) if values.count(value) == 1]


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
    """The only object of a shape that stands in a relation to `anchor`.

    None if several do, if the scene has no other object of the shape, or if a gap is too small.
    """
    candidates = [o for o in scene.objects if o.shape == shape and o is not anchor]
    gaps = [RELATIONS[relation](o, anchor) for o in candidates]
    unclear = any(abs(gap) < MARGIN for gap in gaps)
    if len(candidates) < 2 or unclear or sum(gap > 0 for gap in gaps) != 1:
        return None
    return next(o for o, gap in zip(candidates, gaps, strict=True) if gap > 0)


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
    """Ask whether an object is in the scene; half of the answers are yes.

    For half of the absent pairs, the scene has both colour and shape, on different objects.
    """
    present = [_name(o) for o in scene.objects]
    if rng.random() < 0.5:
        return Question("exists", "present", f"is there a {_pick(rng, present)}", "yes")
    pairs = [f"{color} {shape}" for color in COLORS for shape in SHAPES]
    absent = [pair for pair in pairs if pair not in present]
    colors, shapes = {o.color for o in scene.objects}, {o.shape for o in scene.objects}
    hard = [pair for pair in absent if pair.split()[0] in colors and pair.split()[1] in shapes]
    kind = "hard" if hard and rng.random() < 0.5 else "absent"
    pair = _pick(rng, hard if kind == "hard" else absent)
    return Question("exists", kind, f"is there a {pair}", "no")


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
    """Ask whether one object is left of, right of, above or below another.

    Yes and no are equally frequent: the reverse of every relation may be asked about as well.
    """
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
    """A caption, for training: an object's name, then its box or its other attribute.

    As in captions of images, a word stands beside the place of what it means. The name is colour
    and shape, or one of them if no other object has it.
    """
    unique = [(o, attribute) for attribute in ("color", "shape") for o in _unique(scene, attribute)]
    o = _pick(rng, list(scene.objects))
    chosen = _pick(rng, unique)
    if rng.random() < 0.4 or chosen is None:
        return Question("caption", "pair", _name(o), box_to_words(o.box))
    o, attribute = chosen
    other = {"color": "shape", "shape": "color"}[attribute]
    answer = box_to_words(o.box) if rng.random() < 0.6 else getattr(o, other)
    return Question("caption", attribute, getattr(o, attribute), answer)
