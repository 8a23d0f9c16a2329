"""What claims are judged on: the records and scores of one model, and which method is which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from prunescope.claims.roles import Stages, layers, removed, replays, same_kind
from prunescope.errors import InputError
from prunescope.statistics import accuracy, boxes
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import kept
from prunescope.statistics.reading import localization_tasks

COLUMNS = ["score", "invalid", "mean_tokens", "target_box"]  # of the records
NEAR = 0.02  # a method removes the fraction R if each of its stages does, to within this


@dataclass(frozen=True)
class Effect:
    """An estimate with its interval by image, and the examples and images behind it."""

    value: float
    low: float
    high: float
    examples: int
    units: int


@dataclass(frozen=True)
class Evidence:
    """records: of one model, with `COLUMNS`; scores: as `read_scores` gives them; methods: stages
    of the study's methods, by name; library: of the methods known by name; settings: the key
    `claims` of a study's configuration."""

    records: pd.DataFrame
    scores: xr.DataArray
    methods: Mapping[str, Stages]
    library: Mapping[str, Stages]
    settings: Mapping[str, Any]
    bootstrap: Bootstrap

    @property
    def depth(self) -> int:
        """Decoder layers of the model."""
        return int(self.scores["layer"].max())

    def layer(self, depth: float) -> int:
        """The layer at a fraction of the depth."""
        return round(depth * self.depth)

    @cached_property
    def groups(self) -> dict[str, dict[str, float]]:
        """Every task by itself, and the groups of tasks, as weights; but for those `unanswered`."""
        tasks = [t for t in dict.fromkeys(self.records["task"]) if t not in self.unanswered]
        boxed = localization_tasks(self.records)
        return {t: {t: 1.0} for t in tasks} | accuracy.task_groups(tasks, boxed)

    def tasks(self, group: str) -> list[str]:
        """The tasks of a group. InputError for one that the study has not."""
        if group not in self.groups:
            raise InputError(
                f"no {group} in this study; its tasks are {list(self.groups)}"
                + (self.left_out and f"; {self.left_out}")
            )
        return list(self.groups[group])

    @cached_property
    def unanswered(self) -> list[str]:
        """Tasks that the unpruned model answers in no form that can be judged: pruning cannot make
        them worse, so that they say nothing of it."""
        whole = self.records[self.records["method"] == accuracy.BASELINE]
        invalid = whole.groupby("task", sort=False)["invalid"].all()
        return list(invalid.index[invalid])

    @property
    def left_out(self) -> str:
        """Which tasks are, in words."""
        names = ", ".join(self.unanswered)
        return f"left out, as no answer of the unpruned model can be read: {names}" if names else ""

    @cached_property
    def answers(self) -> pd.DataFrame:
        return accuracy.by_method(self.records)

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """Realised mean visual tokens per layer, as a share of the unpruned model's: one row per
        task, one column per method."""
        return accuracy.budgets(self.records).groupby("task").mean()

    def spent(self, method: str, group: str) -> float:
        """The budget of a method in a group of tasks, each counting the same."""
        return float(self.budgets.loc[self.tasks(group), method].mean())

    # -- methods -----------------------------------------------------------------------------

    def role(self, name: str) -> Stages:
        """Stages of a method of the library. InputError if the study's own library lacks it: no
        method can be told to play that role."""
        if name not in self.library:
            raise InputError(f"no method plays {name!r}: the study's library lacks it")
        return self.library[name]

    def kind(self, role: str, at: Sequence[float] = ()) -> list[str]:
        """Methods of the study that are `role` of the library but for their numbers.

        at: one depth for each stage, if the layers matter.
        """
        wanted, known = [self.layer(depth) for depth in at], self.role(role)
        return [
            name
            for name, stages in self.methods.items()
            if name in self.budgets and same_kind(stages, known)
            if not wanted or layers(stages, self.depth) == wanted
        ]

    def removing(self, remove: float, names: Sequence[str]) -> list[str]:
        """Those of `names` of which every stage removes this fraction."""
        tokens = int(np.prod(self.scores.shape[-2:]))
        fractions = {name: removed(self.methods[name], tokens) for name in names}
        return [n for n, each in fractions.items() if all(abs(r - remove) <= NEAR for r in each)]

    def single(self, role: str, depth: float) -> list[str]:
        """Those with one stage, at this depth, that remove the fraction that is judged."""
        return self.removing(self.settings["remove"], self.kind(role, [depth]))

    def closest(self, method: str, others: Sequence[str]) -> list[str]:
        """The one of `others`, if any, whose budget for localization, which is compared at equal
        budgets, is closest to that of `method`."""
        spent = {name: self.spent(name, accuracy.LOCALIZATION) for name in (*others, method)}
        return sorted(others, key=lambda other: abs(spent[other] - spent[method]))[:1]

    def replays(self, source: str) -> list[str]:
        """Methods that drop before the language model what `source` drops."""
        present = {name: self.methods[name] for name in self.methods if name in self.budgets}
        return [name for name, stages in present.items() if replays(stages, source)]

    # -- effects -----------------------------------------------------------------------------

    def difference(self, method: str, reference: str, group: str) -> Effect:
        """Accuracy of `method` minus `reference`, paired by example."""
        self.tasks(group)  # has it any?
        change = accuracy.differences(self.answers, [(method, reference)])
        groups = {group: self.groups[group]}
        return _effect(accuracy.estimates(change, groups, self.bootstrap))

    def heights(self, depth: float, variant: str) -> np.ndarray:
        """(examples,) mean height of what a score at this depth keeps, 0 top to 1 bottom."""
        mask = self._kept(depth, variant)
        rows = mask.sum(-1)
        return rows @ ((np.arange(rows.shape[1]) + 0.5) / rows.shape[1]) / rows.sum(-1)

    def recalls(self, depth: float, variant: str) -> np.ndarray:
        """(examples,) share of the true box's tokens that it keeps; NaN without a box."""
        found = self.records.drop_duplicates("example").set_index("example")["target_box"]
        true = found.reindex(self.scores["example"].values)
        asked = true.map(lambda box: np.size(box) == 4).to_numpy()
        if not asked.any():
            raise InputError("no question with scores has a true box")
        cells = boxes.box_cells(np.stack(true[asked].to_list()), self.scores.shape[-2:])
        mask = self._kept(depth, variant)[asked].reshape(len(cells), -1)
        shares = np.full(len(true), np.nan)
        shares[asked] = boxes.recall(mask, cells)
        return shares

    def mean(self, values: np.ndarray) -> Effect:
        """Mean of values by example of the scores."""
        return _effect(self.bootstrap.means(values[:, None], self.scores["image"].values))

    def _kept(self, depth: float, variant: str) -> np.ndarray:
        layer = self.layer(depth)
        if layer not in self.scores["layer"]:
            raise InputError(f"no scores for layer {layer} of {self.depth}")
        return kept(self.scores.sel(layer=layer, variant=variant), self.settings["remove"]).values


def _effect(table: pd.DataFrame) -> Effect:
    row = table.iloc[0]
    return Effect(
        *map(float, row[["value", "low", "high"]]), int(row["examples"]), int(row["units"])
    )
