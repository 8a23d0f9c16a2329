"""Evidence for the claims: the records and scores of one model, and the roles of its methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.claims import published
from prunescope.claims.roles import (
    Stages,
    kept_fraction,
    layers,
    removed,
    replays,
    same_kind,
)
from prunescope.claims.thresholds import NUMBERS, Thresholds
from prunescope.errors import InputError
from prunescope.method_names import BASELINE
from prunescope.statistics import accuracy, boxes, image_share
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import heights, kept
from prunescope.statistics.reading import localization_tasks

COLUMNS = ["score", "invalid", "mean_tokens", "target_box"]  # columns of the records
TOLERANCE = 0.02  # a stage removes the fraction R if what it removes is this close to R


@dataclass(frozen=True)
class Effect:
    """A difference with its interval over images, and the examples and images that it rests on.

    first, second: the two values that it is the difference of.
    """

    value: float
    low: float
    high: float
    examples: int
    units: int
    first: float = float("nan")
    second: float = float("nan")


@dataclass(frozen=True)
class Evidence:
    """Results of one model, and the questions that claims put to them.

    records: rows with `COLUMNS`; scores: as from `read_scores`; methods: stages of the study's
    methods by name; library: stages of the named methods; thresholds: numbers that claims are
    judged by.
    """

    records: pd.DataFrame
    scores: xr.DataArray
    methods: Mapping[str, Stages]
    library: Mapping[str, Stages]
    thresholds: Thresholds
    bootstrap: Bootstrap

    @property
    def depth(self) -> int:
        """Decoder layers of the model."""
        return int(self.scores["layer"].max())

    @property
    def early(self) -> float:
        """Depth that counts as early, as a fraction of the layers or as a layer."""
        return self.thresholds.early_depth

    @property
    def later(self) -> float:
        """Depth that counts as later, as a fraction of the layers or as a layer."""
        return self.thresholds.later_depth

    def layer(self, depth: float) -> int:
        """The layer at a depth: a fraction of the layers, or a layer."""
        return round(depth * self.depth) if 0 < depth < 1 else round(depth)

    def paper_layer(self, layer: int) -> int:
        """The layer of this model that stands for a layer of the paper's model."""
        if self.thresholds.paper_layers == NUMBERS:
            return layer
        return round(layer * self.depth / published.DEPTH)

    @property
    def tokens(self) -> int:
        """Visual tokens of an image."""
        return int(np.prod(self.scores.shape[-2:]))

    # -- tasks -------------------------------------------------------------------------------

    @cached_property
    def groups(self) -> dict[str, dict[str, float]]:
        """Weights of tasks: each task by itself and the groups of tasks, without `unanswered`."""
        tasks = [t for t in dict.fromkeys(self.records["task"]) if t not in self.unanswered]
        localization = localization_tasks(self.records)
        return accuracy.single_tasks(tasks) | accuracy.task_groups(tasks, localization)

    def tasks(self, group: str) -> list[str]:
        """Tasks of a group. InputError for a group without tasks in this study."""
        if group not in self.groups:
            raise InputError(
                f"no {group} in this study; its tasks are {list(self.groups)}"
                + (self.left_out and f"; {self.left_out}")
            )
        return list(self.groups[group])

    @cached_property
    def unanswered(self) -> list[str]:
        """Tasks without a readable answer of the unpruned model: pruning cannot harm them."""
        unpruned = self.records[self.records["method"] == BASELINE]
        invalid = unpruned.groupby("task", sort=False)["invalid"].all()
        return list(invalid.index[invalid])

    @property
    def left_out(self) -> str:
        """Sentence that names the `unanswered` tasks, or ""."""
        names = ", ".join(self.unanswered)
        return f"left out, as no answer of the unpruned model can be read: {names}" if names else ""

    @cached_property
    def answers(self) -> pd.DataFrame:
        """Scores of the answers: a row for each example, a column for each method."""
        return accuracy.by_method(self.records)

    # -- budgets -----------------------------------------------------------------------------

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """T/N, realised mean visual tokens per layer as a share of the unpruned model's: a row for
        each task, a column for each method."""
        return accuracy.budgets(self.records).groupby("task").mean()

    def budget(self, method: str, group: str) -> float:
        """T/N of a method, averaged over the tasks of a group."""
        return float(self.budgets.loc[self.tasks(group), method].mean())

    # -- methods -----------------------------------------------------------------------------

    def role(self, name: str) -> Stages:
        """Stages of a method of the library. InputError if the study's own library lacks it."""
        if name not in self.library:
            raise InputError(f"no method plays {name!r}: the study's library lacks it")
        return self.library[name]

    def methods_of_kind(self, role: str, depths: Sequence[float] = ()) -> list[str]:
        """Methods of the study that differ from `role` of the library in numbers alone.

        depths: the depth of every stage, where layers matter.
        """
        return self._alike(self.role(role), [self.layer(depth) for depth in depths])

    def _alike(self, example: Stages, wanted: Sequence[int] = ()) -> list[str]:
        """Methods that differ from `example` in numbers alone; wanted: the layer of every stage,
        where layers matter."""
        return [
            name
            for name, stages in self.methods.items()
            if name in self.budgets and same_kind(stages, example)
            if not wanted or layers(stages, self.depth) == list(wanted)
        ]

    def stage_alone(self, method: str, index: int) -> list[str]:
        """Methods that are one stage of `method` and no other: at its layer, by its score."""
        stage = self.methods[method][index]
        return self._alike([stage], layers([stage], self.depth))

    def keeping_as(self, method: str, index: int, names: Sequence[str]) -> list[str]:
        """Methods of one stage among `names` that keep the fraction that a stage of `method`
        keeps."""
        wanted = kept_fraction(self.methods[method][index], self.tokens)
        fractions = {name: kept_fraction(self.methods[name][0], self.tokens) for name in names}
        return [name for name in names if abs(fractions[name] - wanted) <= TOLERANCE]

    def removing(self, remove: float, names: Sequence[str]) -> list[str]:
        """Methods among `names` whose every stage removes this fraction."""
        fractions = {name: removed(self.methods[name], self.tokens) for name in names}
        return [
            name
            for name, stages in fractions.items()
            if all(abs(fraction - remove) <= TOLERANCE for fraction in stages)
        ]

    def single_stage(self, role: str, depth: float) -> list[str]:
        """Methods of one stage at this depth that remove the fraction that claims judge."""
        return self.removing(self.thresholds.remove, self.methods_of_kind(role, [depth]))

    def closest_budget(self, method: str, others: Sequence[str]) -> list[str]:
        """The one of `others`, if any, whose localization budget is closest to that of `method`."""
        budgets = {name: self.budget(name, accuracy.LOCALIZATION) for name in (*others, method)}
        return sorted(others, key=lambda other: abs(budgets[other] - budgets[method]))[:1]

    def no_larger(self, method: str, others: Sequence[str]) -> list[str]:
        """Those of `others` whose localization budget is at most that of `method`, or matched."""
        most = self.budget(method, accuracy.LOCALIZATION) + self.thresholds.max_budget_gap
        return [other for other in others if self.budget(other, accuracy.LOCALIZATION) <= most]

    def same_budget(self, method: str, others: Sequence[str]) -> list[str]:
        """The one of `others`, if any, whose localization budget is matched with that of
        `method`, or the closest of several."""
        least = self.budget(method, accuracy.LOCALIZATION) - self.thresholds.max_budget_gap
        near = [
            other
            for other in self.no_larger(method, others)
            if self.budget(other, accuracy.LOCALIZATION) >= least
        ]
        return self.closest_budget(method, near)

    def replays_of(self, source: str) -> list[str]:
        """Methods that drop, before the language model, what `source` drops."""
        return [
            name
            for name, stages in self.methods.items()
            if name in self.budgets and replays(stages, source)
        ]

    # -- effects -----------------------------------------------------------------------------

    def difference(self, method: str, reference: str, group: str) -> Effect:
        """Accuracy of `method` minus that of `reference`, paired by example.

        Its two values are both accuracies; in the contrast of localization with other tasks, they
        are the differences in both. InputError for a group without tasks.
        """
        self.tasks(group)
        change = accuracy.differences(self.answers, [(method, reference)])
        groups = {group: self.groups[group]}
        effect = _effect(accuracy.estimates(change, groups, self.bootstrap))
        paired = self.answers[[method, reference]].dropna()
        if group == accuracy.CONTRAST:
            change = paired[method] - paired[reference]
            parts = (accuracy.LOCALIZATION, accuracy.OTHER)
            first, second = (self._mean_over_tasks(change, part) for part in parts)
        else:
            first, second = (self._mean_over_tasks(paired[m], group) for m in (method, reference))
        return replace(effect, first=first, second=second)

    def _mean_over_tasks(self, values: pd.Series, group: str) -> float:
        """Mean over the tasks of a group of the mean of `values` (in the form of `answers`)."""
        return float(values.groupby("task").mean().reindex(self.tasks(group)).mean())

    @property
    def text_only(self) -> list[str]:
        """The study's method without an image, if there is one."""
        if "text-only" not in self.library:
            return []
        return self.methods_of_kind("text-only", [0])[:1]

    def floors(self, group: str) -> tuple[float, float]:
        """Accuracy of text only beside the two values of a `difference`; NaN if nobody measured
        it."""
        contrast = group == accuracy.CONTRAST
        parts = (accuracy.LOCALIZATION, accuracy.OTHER) if contrast else (group, group)
        if not self.text_only:
            return float("nan"), float("nan")
        answers = self.answers[self.text_only[0]].dropna()
        first, second = (self._mean_over_tasks(answers, part) for part in parts)
        return first, second

    def share_lost(self, method: str, floor: str) -> Effect:
        """Share that `method` loses of what the image adds to the accuracy of `floor`:
        localization minus the other tasks. InputError without tasks in either."""
        parts = (accuracy.LOCALIZATION, accuracy.OTHER)
        groups = {
            part: dict.fromkeys(self.tasks(part), 1 / len(self.tasks(part))) for part in parts
        }
        table = image_share.losses(self.answers, BASELINE, method, floor, groups, self.bootstrap)
        first, second = table["value"][:2]
        return replace(_effect(table[2:]), first=float(first), second=float(second))

    def vertical_positions(self, depth: float, variant: str) -> np.ndarray:
        """(examples,) mean vertical position of the tokens kept by the score at this depth: 0 is
        the top of the image, 1 the bottom."""
        tokens_per_row = self._kept(depth, variant).sum(-1)
        return heights(tokens_per_row)[..., 0]

    def box_recalls(self, depth: float, variant: str) -> np.ndarray:
        """(examples,) share of the true box's tokens that the score at this depth keeps; NaN for a
        question without a box. InputError if no question has one."""
        by_example = self.records.drop_duplicates("example").set_index("example")["target_box"]
        true_boxes = by_example.reindex(self.scores["example"].values)
        with_box = true_boxes.map(lambda box: np.size(box) == 4).to_numpy()
        if not with_box.any():
            raise InputError("no question with scores has a true box")
        cells = boxes.box_cells(np.stack(true_boxes[with_box].to_list()), self.scores.shape[-2:])
        mask = self._kept(depth, variant)[with_box].reshape(len(cells), -1)
        shares = np.full(len(true_boxes), np.nan)
        shares[with_box] = boxes.recall(mask, cells)
        return shares

    def mean_difference(self, first: np.ndarray, second: np.ndarray | float) -> Effect:
        """Mean of `first` (examples,) minus `second` (examples,) or a constant, in the order of the
        scores. NaN: the example does not count."""
        change = first - second
        effect = _effect(self.bootstrap.means(change[:, None], self.scores["image"].values))
        counted = ~np.isnan(change)
        means = [float(np.broadcast_to(v, change.shape)[counted].mean()) for v in (first, second)]
        return replace(effect, first=means[0], second=means[1])

    def _kept(self, depth: float, variant: str) -> np.ndarray:
        """(examples, rows, cols) True at tokens that the score at this depth keeps.

        InputError for a layer without scores.
        """
        layer = self.layer(depth)
        if layer not in self.scores["layer"]:
            raise InputError(f"no scores for layer {layer} of {self.depth}")
        return kept(self.scores.sel(layer=layer, variant=variant), self.thresholds.remove).values


def _effect(table: pd.DataFrame) -> Effect:
    row = table.iloc[0]
    return Effect(
        *map(float, row[["value", "low", "high"]]), int(row["examples"]), int(row["units"])
    )
