"""Evidence for the claims: the records and scores of one model, and the roles of its methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.claims.roles import Stages, layers, removed, replays, same_kind
from prunescope.claims.thresholds import Thresholds
from prunescope.errors import InputError
from prunescope.method_names import BASELINE
from prunescope.statistics import accuracy, boxes
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import heights, kept
from prunescope.statistics.reading import localization_tasks

COLUMNS = ["score", "invalid", "mean_tokens", "target_box"]  # columns of the records
TOLERANCE = 0.02  # a stage removes the fraction R if what it removes is this close to R


@dataclass(frozen=True)
class Effect:
    """An estimate with its interval over images, and the examples and images that it rests on."""

    value: float
    low: float
    high: float
    examples: int
    units: int


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
        """Depth that counts as early, as a fraction of the layers."""
        return self.thresholds.early_depth

    @property
    def later(self) -> float:
        """Depth that counts as later, as a fraction of the layers."""
        return self.thresholds.later_depth

    def layer(self, depth: float) -> int:
        """The layer at a fraction of the depth."""
        return round(depth * self.depth)

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
        stages_of_role, wanted = self.role(role), [self.layer(depth) for depth in depths]
        return [
            name
            for name, stages in self.methods.items()
            if name in self.budgets and same_kind(stages, stages_of_role)
            if not wanted or layers(stages, self.depth) == wanted
        ]

    def removing(self, remove: float, names: Sequence[str]) -> list[str]:
        """Methods among `names` whose every stage removes this fraction."""
        tokens = int(np.prod(self.scores.shape[-2:]))
        fractions = {name: removed(self.methods[name], tokens) for name in names}
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

        InputError for a group without tasks.
        """
        self.tasks(group)
        change = accuracy.differences(self.answers, [(method, reference)])
        groups = {group: self.groups[group]}
        return _effect(accuracy.estimates(change, groups, self.bootstrap))

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

    def mean(self, values: np.ndarray) -> Effect:
        """Mean of `values` (examples,), in the order of the scores."""
        return _effect(self.bootstrap.means(values[:, None], self.scores["image"].values))

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
