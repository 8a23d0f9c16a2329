"""What a single visual token tells, by linear probes on held-out images.

    python -m prunescope.training.leak_probes data/testbed/rope --out leaks.json

A patch-local tower tells what its patch shows, where the patch is, and what the image holds. It
does not tell the place or the extent of anything in other patches. But a patch's own place, the
sides that cut it, and the outline in it already narrow down where the other sides are. So it is
asked what a token adds to the exact place of its patch, and to all that it may know (`allowed`):
the facts of its patch, and what a network guesses from these (`patch_reader`).

Probes are ridge regressions of the projector's output at one patch. `chance` is the same measure
for targets that were permuted. Intervals: 95 %, by image. Scenes are of the development split, and
none is one that the benchmark asks about.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.statistics.bootstrap import Bootstrap, ratio, unit_sums
from prunescope.testbed.scenes import COLORS, SIDE, SPLITS, Object, make_scene
from prunescope.training.fitness import SPLIT, Estimate, rounded
from prunescope.training.gates import write_json
from prunescope.training.labels import BACKGROUND_IDS
from prunescope.training.patch_labels import LABELS, SIZES
from prunescope.training.patch_reader import train_reader
from prunescope.training.ridge import Ridge
from prunescope.training.visual_tokens import VisualTokens, one_hot, visual_tokens

FIRST_SCENE = 5 * 10**8  # of the split's seeds; the benchmark asks about its first scenes
HELD = 5  # one image of so many chooses the penalty
BLOCKS = 10  # of test images, for intervals of AUC
IMAGES, PER_IMAGE = 3000, 24
Shuffle = Callable[[np.ndarray, VisualTokens], np.ndarray]

# -- chance ----------------------------------------------------------------------------------------


def among_all(targets: np.ndarray, tokens: VisualTokens) -> np.ndarray:
    """Targets (n, k) permuted among all tokens."""
    return _rng().permutation(targets)


def within_places(targets: np.ndarray, tokens: VisualTokens) -> np.ndarray:
    """Targets (n, k) permuted among the tokens of each patch, so that they still follow from the
    place as far as they did."""
    drawn = np.lexsort([_rng().random(len(targets)), tokens.patch])
    shuffled = np.empty_like(targets)
    shuffled[np.argsort(tokens.patch, kind="stable")] = targets[drawn]
    return shuffled


def among_images(targets: np.ndarray, tokens: VisualTokens) -> np.ndarray:
    """Targets (n, k) that are equal for all tokens of an image, permuted among the images."""
    _, first, image = np.unique(tokens.image, return_index=True, return_inverse=True)
    return _rng().permutation(targets[first])[image]


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


# -- probes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Predictions:
    """Of test tokens: targets and predictions (n, k), the targets' mean (k,) where the probe was
    fitted, and each token's image (n,)."""

    targets: np.ndarray
    predicted: np.ndarray
    mean: np.ndarray
    image: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """(n,) squared error, summed over the targets."""
        return np.square(self.targets - self.predicted).sum(1)

    @property
    def of_mean(self) -> "Predictions":
        """The mean as the prediction."""
        return replace(self, predicted=np.broadcast_to(self.mean, self.targets.shape))

    @property
    def hits(self) -> np.ndarray:
        """(n,) 1 where the class of the highest score is the right one; targets are 0 or 1."""
        return (self.targets.argmax(1) == self.predicted.argmax(1)).astype(float)


@dataclass
class Probe:
    """Linear probes of some tokens; images from `first_test` on are only predicted.

    A probe reads a kind of features: the `vectors` of tokens, their `places`, or what is `allowed`,
    as `VisualTokens` has them.
    """

    tokens: VisualTokens
    first_test: int
    ridges: dict[str, Ridge] = field(default_factory=dict)
    added: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, rows: np.ndarray) -> "Probe":
        """Probes of a part of the tokens. rows: (n,) bool."""
        return Probe(self.tokens.take(rows), self.first_test)

    @property
    def test(self) -> np.ndarray:
        """(n,) whether a token is only predicted."""
        return self.tokens.image >= self.first_test

    def predictions(self, kind: str, targets: np.ndarray) -> Predictions:
        """Predictions of targets (n, k) from a kind of features."""
        return self._tested(targets, self._told(kind, getattr(self.tokens, kind), targets))

    def predictions_beside(self, kind: str, targets: np.ndarray) -> Predictions:
        """Predictions of targets (n, k) from a kind of features, to which what the vectors tell of
        the rest is added.

        Of the vectors, too, only the part counts that these features do not tell: if the rest is
        noise, nothing is added.
        """
        known, vectors = getattr(self.tokens, kind), self.tokens.vectors
        if kind not in self.added:
            self.added[kind] = vectors - self._told(kind, known, vectors)
        told = self._told(kind, known, targets)
        return self._tested(
            targets, told + self._told(f"beside {kind}", self.added[kind], targets - told)
        )

    def _told(self, name: str, features: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """(n, k) predictions of all tokens, fitted without the test images. name: of the
        features."""
        seen = ~self.test
        if name not in self.ridges:
            self.ridges[name] = Ridge(features[seen], self.tokens.image[seen] % HELD == 0)
        return self.ridges[name].fit(targets[seen]).predict(features)

    def _tested(self, targets: np.ndarray, predicted: np.ndarray) -> Predictions:
        test, mean = self.test, targets[~self.test].mean(0)
        return Predictions(targets[test], predicted[test], mean, self.tokens.image[test])


# -- measures --------------------------------------------------------------------------------------


def accuracy(name: str, probe: Probe, targets: np.ndarray, shuffle: Shuffle) -> dict[str, Any]:
    """Share of the tokens whose class is told. targets: (n, classes), 0 or 1."""
    told = probe.predictions("vectors", targets)
    chance = probe.predictions("vectors", shuffle(targets, probe.tokens))
    estimate = _estimate(name, told.hits, np.ones_like(told.hits), told.image)
    return _finding(estimate, "accuracy", chance.hits.mean(), [told])


def r2(name: str, probe: Probe, targets: np.ndarray) -> dict[str, Any]:
    """R2 of targets (n, k)."""
    told = probe.predictions("vectors", targets)
    chance = probe.predictions("vectors", among_all(targets, probe.tokens))
    estimate = _explained(name, [told], [told.of_mean])
    return _finding(estimate, "R2", _explained("", [chance], [chance.of_mean]).value, [told])


def beyond_place(
    name: str, probes: Sequence[tuple[Probe, np.ndarray]], shuffle: Shuffle
) -> dict[str, Any]:
    """R2 of targets (n, k) for a probe that knows the patch's place and the token, compared with
    one that knows the place alone; over several probes together.

    allowed: the same for what a token may know in place of the token. beyond_allowed: what a token
    adds to all that it may know, compared with that alone.
    """
    shuffled = [(probe, shuffle(targets, probe.tokens)) for probe, targets in probes]
    places = [probe.predictions("places", targets) for probe, targets in probes]
    allowed = [probe.predictions("allowed", targets) for probe, targets in probes]
    estimate = _explained(name, _beside("places", probes), places)
    beyond = _explained("", _beside("allowed", probes), allowed).to_dict()
    by_chance = [probe.predictions("places", targets) for probe, targets in shuffled]
    chance = _explained("", _beside("places", shuffled), by_chance).value
    return _finding(estimate, "R2 beyond place", chance, places) | {
        "allowed": rounded(_explained("", allowed, places).value),
        "beyond_allowed": beyond["value"],
        "beyond_allowed_interval": beyond["interval"],
    }


def _beside(kind: str, probes: Sequence[tuple[Probe, np.ndarray]]) -> list[Predictions]:
    return [probe.predictions_beside(kind, targets) for probe, targets in probes]


def auc(name: str, probe: Probe, targets: np.ndarray) -> dict[str, Any]:
    """Area under the ROC curve, mean over targets (n, k) that are 0 or 1; the interval comes from
    blocks of images."""
    told = probe.predictions("vectors", targets)
    chance = probe.predictions("vectors", among_images(targets, probe.tokens))
    values = Bootstrap().means(_auc_by_block(told)[:, None], np.arange(BLOCKS)).iloc[0]
    estimate = Estimate(name, values.value, values.low, values.high)
    return _finding(estimate, "AUC", _auc_by_block(chance).mean(), [told])


def _auc_by_block(told: Predictions) -> np.ndarray:
    """(BLOCKS,) mean AUC of the targets of which a block of images has both values."""
    block = told.image % BLOCKS
    return np.array(
        [
            np.nanmean(area_under_curve(told.predicted[block == b], told.targets[block == b]))
            for b in range(BLOCKS)
        ]
    )


def area_under_curve(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(k,) chance that a row of value 1 has a higher score than one of value 0; NaN without both.

    scores, targets: (n, k). Ties are broken by the order of the rows.
    """
    ranks = scores.argsort(0, kind="stable").argsort(0, kind="stable") + 1
    ones = targets.sum(0)
    zeros = len(targets) - ones
    pairs = (ranks * targets).sum(0) - ones * (ones + 1) / 2
    return np.divide(pairs, ones * zeros, out=np.full(len(ones), np.nan), where=ones * zeros > 0)


def _explained(
    name: str, parts: Sequence[Predictions], references: Sequence[Predictions]
) -> Estimate:
    """1 minus the ratio of the squared errors of two predictions of the same targets."""
    errors, reference = (
        np.concatenate([part.errors for part in predictions]) for predictions in (parts, references)
    )
    share = _estimate(name, errors, reference, np.concatenate([part.image for part in parts]))
    return Estimate(name, 1 - share.value, 1 - share.high, 1 - share.low)


def _estimate(name: str, above: np.ndarray, below: np.ndarray, images: np.ndarray) -> Estimate:
    """Ratio of two sums over tokens."""
    sums = unit_sums(np.stack([above, below], axis=1), images)
    return Estimate(name, *Bootstrap().interval(sums, ratio)[0])


def _finding(
    estimate: Estimate, measure: str, chance: float, parts: Sequence[Predictions]
) -> dict[str, Any]:
    tokens = sum(len(part.image) for part in parts)
    return estimate.to_dict() | {"measure": measure, "chance": rounded(chance), "tokens": tokens}


# -- what is asked of a token ----------------------------------------------------------------------


def findings(probe: Probe) -> Iterator[dict[str, Any]]:
    """Yield all findings, one by one."""
    yield from own_patch(probe)
    yield from sides_elsewhere(probe)
    yield from other_objects(probe)
    yield from whole_image(probe)


def own_patch(probe: Probe) -> Iterator[dict[str, Any]]:
    """What the patch shows, the sides of the object's box that cut it, and its place."""
    on_object = probe.of(probe.tokens.on_object)
    for label, name in enumerate(LABELS):
        part = on_object if label < 2 else probe.of(probe.tokens.cut_by(label))
        targets = one_hot(part.tokens.local[:, label], SIZES[label] - 1)
        yield accuracy(f"own patch, {name}", part, targets, within_places)
    place = np.divmod(probe.tokens.patch[:, None], probe.tokens.grid)
    for name, line in zip(("row", "column"), place, strict=True):
        yield r2(f"own patch, {name}", probe, line / probe.tokens.grid)


def sides_elsewhere(probe: Probe) -> Iterator[dict[str, Any]]:
    """Where those sides of the object's box are that do not cut the patch."""
    for label, name in enumerate(LABELS[2:], start=2):
        part = probe.of(probe.tokens.on_object & ~probe.tokens.cut_by(label))
        boxes = np.array([item.box for item in part.tokens.objects])
        targets = boxes[:, [label - 2]]
        yield beyond_place(f"own object, {name} in another patch", [(part, targets)], within_places)


def other_objects(probe: Probe) -> Iterator[dict[str, Any]]:
    """Where the only object of a colour is, and how large, from patches that do not show it; for
    all colours together."""
    places, extents = [], []
    for color in COLORS:
        rows, objects = others_of(probe.tokens, color)
        part = probe.of(rows)
        places.append((part, np.array([item.centre for item in objects]) / SIDE))
        extents.append((part, np.array([[item.size] for item in objects]) / SIDE))
    yield beyond_place("other objects, centre", places, among_images)
    yield beyond_place("other objects, size", extents, among_images)


def whole_image(probe: Probe) -> Iterator[dict[str, Any]]:
    """What the image holds: its (colour, shape) pairs from patches of the background, and its
    background from patches that show an object."""
    outside, inside = probe.of(~probe.tokens.on_object), probe.of(probe.tokens.on_object)
    yield auc("image, pairs of colour and shape", outside, outside.tokens.pairs)
    targets = one_hot(inside.tokens.background, len(BACKGROUND_IDS))
    yield accuracy("image, background", inside, targets, among_images)


def others_of(tokens: VisualTokens, color: str) -> tuple[np.ndarray, list[Object]]:
    """(n,) True at tokens of images with one object of a colour that do not show it; and, for each
    of these tokens, that object."""
    numbers = [
        [number for number, item in enumerate(scene.objects) if item.color == color]
        for scene in tokens.scenes
    ]
    single = np.array([own[0] if len(own) == 1 else -1 for own in numbers])[tokens.image]
    rows = (single >= 0) & (tokens.owner != single)
    pairs = zip(tokens.image[rows], single[rows], strict=True)
    return rows, [tokens.scenes[image].objects[number] for image, number in pairs]


# -- the file --------------------------------------------------------------------------------------


def report(checkpoint: Checkpoint, images: int, per_image: int) -> dict[str, Any]:
    """Content of `leaks.json`: two thirds of the images fit probes, the last third tests them."""
    first = SPLITS[SPLIT][FIRST_SCENE]
    scenes = [make_scene(seed) for seed in range(first, first + images)]
    tokens = visual_tokens(checkpoint.load(), scenes, per_image)
    tokens = replace(tokens, guesses=(train_reader(tokens.grid).guess(tokens),))
    first_test = images * 2 // 3
    return {
        "model": checkpoint.name,
        "weights": checkpoint.weights,
        "split": SPLIT,
        "images": {"fit": first_test, "test": images - first_test},
        "tokens_per_image": per_image,
        "probes": list(findings(Probe(tokens, first_test))),
    }


def summary(content: dict[str, Any]) -> str:
    """A line for each probe."""
    return "\n".join(
        f"{probe['name']}: {probe['measure']} {probe['value']}, chance {probe['chance']}"
        for probe in content["probes"]
    )


def main() -> None:
    """Probe the model of a folder, write the file and print the values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the model, as transformers saves it")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--per-image", type=int, default=PER_IMAGE, help="tokens of an image")
    parser.add_argument("--out", default="leaks.json")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    checkpoint = Checkpoint(options.folder.name, options.folder, device=options.device)
    content = report(checkpoint, options.images, options.per_image)
    write_json(options.out, content)
    print(summary(content))


if __name__ == "__main__":
    main()
