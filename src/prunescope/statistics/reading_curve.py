"""The reading curve: accuracy of a model that sees the image until layer K and no longer.

All visual tokens go before decoder layer K. At K = 0 that is text alone; at K = depth, the unpruned
model. Where the curve rises the model takes from the image what its answers need, so stages that
remove tokens before it are a risk, and stages behind it are not. Schedules of different models are
comparable by their place on the curve (`same_place`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from prunescope.errors import InputError
from prunescope.method_names import BASELINE, NO_IMAGE, TEXT_ONLY, parse
from prunescope.statistics.accuracy import (
    LOCALIZATION,
    OTHER,
    budgets,
    by_method,
    estimates,
    single_tasks,
)
from prunescope.statistics.bootstrap import Bootstrap, countable, ratio, unit_sums, weighted
from prunescope.statistics.by_method import group_weights

HALF, MOST = 0.5, 0.9  # shares of what the image adds; an image is read where MOST is reached
PAPER_DEPTH, PAPER_READ = 32, 16  # layers of the published models, and where they have read
PAPER_LAYERS = (3, 8, 16, 24)  # K of the paper's methods
ROUNDING = 1e-9  # of shares: a plateau at the share itself counts from its first layer
SPREAD = ("", " low", " high")  # ends of the names of a value's columns


@dataclass(frozen=True, eq=False)
class Curve:
    """Answers at the points of a reading curve.

    layers: K of each method, rising from 0 to the depth; answers: (examples, methods), as from
    `accuracy.by_method`; groups: weights of tasks.
    """

    layers: pd.Series
    answers: pd.DataFrame
    groups: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(cls, records: pd.DataFrame) -> "Curve":
        """The curve in the records of one model, from columns `by_method.COLUMNS`. InputError names
        the methods that are missing, and tasks that they did not answer."""
        layers = points(records)
        answers = by_method(records)[list(layers.index)].dropna()
        asked, answered = records["task"].unique(), answers.index.unique("task")
        if missing := sorted(set(asked) - set(answered)):
            raise InputError(
                f"reading curve: no question of {missing} has answers of all of {[*layers.index]}"
            )
        return cls(layers, answers, group_weights(records) | single_tasks(list(asked)))

    @property
    def depth(self) -> int:
        return int(self.layers.iloc[-1])

    def accuracies(self, bootstrap: Bootstrap) -> pd.DataFrame:
        """Accuracy by group and K.

        Columns group, layer, of_depth (K as a share of the depth), value, low, high, text_only and
        unpruned (the ends of the curve), then read, "read low" and "read high": the share of what
        the image adds to text alone that is there at K. It is NaN where the interval of what the
        image adds holds 0. examples and units: questions, and images behind them.
        """
        table = estimates(self.answers, self.groups, bootstrap)
        layer = table["method"].map(self.layers)
        by_group = table.groupby("group", sort=False)["value"]
        read, _, _ = self._measures(bootstrap)
        parts = {
            "group": table["group"],
            "layer": layer,
            "of_depth": layer / self.depth,
            **table[["value", "low", "high"]],
            "text_only": by_group.transform("first"),
            "unpruned": by_group.transform("last"),
            **_columns("read", read.reshape(-1, 3)),
            **table[["examples", "units"]],
        }
        return pd.DataFrame(parts)

    def reading(self, bootstrap: Bootstrap, layers: Sequence[int] = PAPER_LAYERS) -> pd.DataFrame:
        """How much the image adds, and where it is read: a row for each group of tasks.

        Columns group, text_only, unpruned, adds (their difference), half and most (the K at which
        `HALF` and `MOST` of that are there, by `first_layer`), each with " low" and " high"; depth
        (of the model), and "K = 8 of 32" for each of the paper's `layers`: the layer at the same
        place on the curve of localization, in its row.
        """
        _, adds, where = self._measures(bootstrap)
        ends = estimates(self.answers.iloc[:, [0, -1]], self.groups, bootstrap)["value"].to_numpy()
        table = pd.DataFrame({"group": list(self.groups)})
        table["text_only"], table["unpruned"] = ends.reshape(-1, 2).T
        parts = {"adds": adds, "half": where[:, 0], "most": where[:, 1]}
        for name, values in parts.items():
            table = table.assign(**_columns(name, values))
        table["depth"] = self.depth
        located = table["group"] == LOCALIZATION
        for layer in layers if located.any() else ():
            read = table.loc[located, "most"].iloc[0]
            place = math.nan if math.isnan(read) else same_place(layer, read, self.depth)
            table.loc[located, f"K = {layer} of {PAPER_DEPTH}"] = place
        return table

    def _measures(self, bootstrap: Bootstrap) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value, lower and upper end of all that is a function of the curve's accuracies.

        read (groups, points, 3): share of what the image adds; adds (groups, 3): what it adds;
        where (groups, 2, 3): K of `HALF` and `MOST`.
        """
        points, layers = len(self.layers), self.layers.to_numpy(float)
        sums, weights, fewest = self._by_image()

        def statistic(totals: np.ndarray) -> np.ndarray:
            curves = weighted(ratio(totals), weights)
            curves = curves.reshape(*curves.shape[:-1], len(self.groups), points)
            adds = curves[..., -1:] - curves[..., :1]
            read = (curves - curves[..., :1]) / np.where(adds > 0, adds, np.nan)
            where = [first_layer(read, layers, share) for share in (HALF, MOST)]
            return np.concatenate([read, adds, np.stack(where, -1)], -1).reshape(
                *totals.shape[:-1], -1
            )

        table = bootstrap.interval(sums, statistic, units=np.repeat(fewest, points + 3))
        table = table.reshape(len(self.groups), points + 3, 3)
        read, adds, where = np.split(table, [points, points + 1], axis=1)
        told = adds[:, :, 1:2] > 0  # False for NaN: then nothing can be a share of it
        return np.where(told, read, np.nan), adds[:, 0], np.where(told, where, np.nan)

    def _by_image(self) -> tuple[np.ndarray, sparse.csr_array, np.ndarray]:
        """Sums (images, 2 * tasks * points) for `ratio`; weights (groups * points, tasks * points);
        for each group, the number of images of its smallest task."""
        by_task = self.answers.unstack("task")  # columns: method, task
        tasks = by_task.columns.unique("task")
        by_task = by_task.reorder_levels(["task", "method"], axis=1)
        by_task = by_task[[(task, method) for task in tasks for method in self.layers.index]]
        images = by_task.index.get_level_values("image").to_numpy()
        of_task = pd.DataFrame(self.groups).reindex(tasks).fillna(0.0).to_numpy()
        weights = sparse.csr_array(np.kron(of_task.T, np.eye(len(self.layers))))
        count = self.answers.reset_index().groupby("task")["image"].nunique().reindex(tasks)
        fewest = np.where(of_task > 0, count.to_numpy()[:, None], np.inf).min(0)
        return unit_sums(countable(by_task.to_numpy()), images), weights, fewest


def is_point(method: str) -> bool:
    """Whether a method's name is that of a point between the ends of the curve, or of its start."""
    name = parse(method)
    return name.base in (NO_IMAGE, TEXT_ONLY) and not name.words


def points(records: pd.DataFrame) -> pd.Series:
    """K of the methods on the curve, rising: of `text-only` and `no-image` the layer from which no
    visual token is left, of the unpruned model its depth. InputError without both ends, or without
    a point between them."""
    stages = records.drop_duplicates("method").set_index("method")["stage_layers"]
    layers = pd.Series({name: int(stages[name][0]) for name in stages.index if is_point(name)})
    layers = layers.sort_values().drop_duplicates()
    if BASELINE not in stages.index or not {0} < set(layers):
        raise InputError(
            f"reading curve: needs the methods {BASELINE}, {TEXT_ONLY} and, at one layer or more, "
            f"{NO_IMAGE}; the records have {sorted(stages.index)}"
        )
    return pd.concat([layers, pd.Series({BASELINE: _depth(records, layers)})])


def _depth(records: pd.DataFrame, layers: pd.Series) -> int:
    """Number of decoder layers: where tokens stay for K layers, T/N is K over the depth."""
    last = layers.index[-1]
    share = budgets(records[records["method"].isin([last, BASELINE])])[last].mean()
    return round(layers.iloc[-1] / share)


def rising(curve: np.ndarray) -> np.ndarray:
    """(..., p) the closest curve that never falls, in least squares (isotonic regression).

    A model cannot unread an image: where the curve falls, that is noise, or a confusion that passes
    with further layers. By the formula of minima and maxima: the largest, over starts up to a
    point, of the smallest mean from the start to that point or beyond it.
    """
    best = np.full(curve.shape, -np.inf)
    for start in range(curve.shape[-1]):
        tail = curve[..., start:]
        means = tail.cumsum(-1) / np.arange(1, tail.shape[-1] + 1)
        smallest = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        best[..., start:] = np.maximum(best[..., start:], smallest)
    return best


def first_layer(read: np.ndarray, layers: np.ndarray, share: float) -> np.ndarray:
    """(...) the K at which `share` of what the image adds is there; NaN where `read` is.

    read: (..., p) shares at `layers` (p,), 0 at the first and 1 at the last. Noise is taken out by
    `rising`, within 0 and 1; between two measured layers the curve is a straight line.
    """
    curve = np.array(read, float)
    curve[..., 1:-1] = np.clip(rising(curve[..., 1:-1]), 0, 1)
    after = (curve >= share - ROUNDING).argmax(-1)[..., None]
    low, high = (np.take_along_axis(curve, after + step, -1)[..., 0] for step in (-1, 0))
    start, end = (layers[after[..., 0] + step] for step in (-1, 0))
    return start + (share - low) / (high - low) * (end - start)


def same_place(paper_layer: int, read: float, depth: int) -> int:
    """The layer of a model of `depth` layers that stands for a layer of the paper's models.

    read: the K at which this model has read `MOST` of what the image adds to localization. The
    published models have read by half of their depth: LLaVA-1.5 loses little when all visual tokens
    go there (arXiv 2405.05803). So `PAPER_READ` stands at `read`, and other layers where they cut
    the layers before it, or those behind it, in the same proportion. The next whole layer is taken,
    by which that much has been read, and at most the last.

    InputError for a layer outside 1 to PAPER_DEPTH - 1.
    """
    if not 0 < paper_layer < PAPER_DEPTH:
        raise InputError(f"layer: must lie in 1..{PAPER_DEPTH - 1}, got {paper_layer}")
    place = float(np.interp(paper_layer, [0, PAPER_READ, PAPER_DEPTH], [0, read, depth]))
    return min(max(math.ceil(round(place, 6)), 1), depth - 1)


def schedule(paper_layers: Sequence[int], read: float, depth: int) -> list[int]:
    """The layers that stand for the stages of one of the paper's methods, by `same_place`.

    InputError if two stages fall on one layer, in a model that reads too early for both.
    """
    layers = [same_place(layer, read, depth) for layer in paper_layers]
    if len(set(layers)) < len(layers):
        raise InputError(
            f"layers: {list(paper_layers)} of {PAPER_DEPTH} fall on {layers} of {depth}, as the "
            f"image is read by layer {read:.1f}; stages need different layers"
        )
    return layers


def wide(accuracies: pd.DataFrame) -> pd.DataFrame:
    """A table as from `Curve.accuracies` with a row for each K: columns layer and of_depth, then of
    each group its accuracy, "<group> low" and "<group> high", then of localization and other tasks
    the share read, "<group> read", with its interval."""
    parts = [accuracies[["layer", "of_depth"]].drop_duplicates().set_index("layer")]
    by_group = {
        name: rows.set_index("layer") for name, rows in accuracies.groupby("group", sort=False)
    }
    for name, rows in by_group.items():
        ends = dict(zip(("value", "low", "high"), SPREAD, strict=True))
        parts.append(rows[[*ends]].rename(columns={key: name + end for key, end in ends.items()}))
    for name in (LOCALIZATION, OTHER):
        if name in by_group:
            parts.append(by_group[name][[f"read{end}" for end in SPREAD]].add_prefix(f"{name} "))
    return pd.concat(parts, axis=1).reset_index()


def _columns(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of a value and its interval, from (rows, 3)."""
    return {f"{name}{end}": values[:, i] for i, end in enumerate(SPREAD)}
