"""Where visual tokens lie: in the prompts of a batch, and in their images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import torch
from torch import BoolTensor, LongTensor
from torch.nn.utils.rnn import pad_sequence

from prunescope.errors import InputError

Grid = tuple[int, int]  # rows, columns


@dataclass(frozen=True)
class View:
    """A rectangle of visual tokens in raster order: an image, or a tile that a processor cuts.

    tokens: (n,) True at visual tokens among the image's tokens in the prompt; the others are
        separators, such as line ends. None: all are visual tokens.
    """

    rows: int
    columns: int
    tokens: BoolTensor | None = None

    def __post_init__(self) -> None:
        marked = self.rows * self.columns if self.tokens is None else int(self.tokens.sum())
        if marked != self.rows * self.columns:
            raise InputError(f"{marked} tokens marked in a view of {self.rows} x {self.columns}")

    def mask(self) -> BoolTensor:
        """(n,) True at visual tokens among the view's tokens in the prompt."""
        if self.tokens is not None:
            return self.tokens
        return torch.ones(self.rows * self.columns, dtype=torch.bool)


@dataclass(frozen=True)
class Layout:
    """Where the visual tokens of a batch of prompts are.

    visual: (batch, seq) True at visual tokens.
    grids: (rows, columns) of the views of each example, in their order; or one pair, for one such
        image in every example.
    views: for each example, the indices of its views among all views of the batch; None: in order.
    separators: (batch, seq) True at tokens of images that are not visual tokens, such as line ends;
        None: there are none.
    """

    visual: BoolTensor
    grids: Sequence[Sequence[Grid]] | Grid
    views: Sequence[Sequence[int]] | None = None
    separators: BoolTensor | None = None

    def __post_init__(self) -> None:
        grids = self.grids
        if len(grids) == 2 and all(isinstance(side, int) for side in grids):
            grids = [[grids]] * len(self.visual)
        grids = tuple(tuple((int(rows), int(cols)) for rows, cols in views) for views in grids)
        object.__setattr__(self, "grids", grids)
        if self.views is None:
            object.__setattr__(self, "views", _numbered([len(views) for views in grids]))
        self._check()

    def _check(self) -> None:
        """Raise InputError unless every example has as many visual tokens as its grids need."""
        grids = self.grids
        if len(grids) != len(self.visual):
            raise InputError(f"grids of {len(grids)} examples for a batch of {len(self.visual)}")
        counts = self.visual.sum(1).tolist()
        for example, (count, views) in enumerate(zip(counts, grids, strict=True)):
            needed = sum(rows * columns for rows, columns in views)
            if count == 0:
                raise InputError(f"example {example} of the batch has no image")
            if count != needed:
                shapes = " and ".join(f"{rows} x {columns}" for rows, columns in views)
                raise InputError(
                    f"example {example} of the batch has {count} visual tokens; "
                    f"a grid of {shapes} needs {needed}"
                )

    def repeated(self, times: int) -> "Layout":
        """The layout of a batch in which each example comes `times` times, as for beams."""
        examples = [row for row in range(len(self.visual)) for _ in range(times)]
        return Layout(
            self.visual[examples],
            [self.grids[row] for row in examples],
            [self.views[row] for row in examples],
            None if self.separators is None else self.separators[examples],
        )

    @cached_property
    def places(self) -> LongTensor:
        """(batch, n, 5) of each visual token its row, its column, the rows and columns of its view,
        and the view's number in the example; in the order of the prompt, filled up at the end."""
        if len(set(self.grids)) == 1:
            places = _places(self.grids[0]).expand(len(self.grids), -1, -1)
        else:
            places = pad_sequence([_places(views) for views in self.grids], batch_first=True)
        return places.to(self.visual.device)


def _numbered(counts: list[int]) -> list[range]:
    """Consecutive numbers from 0, `counts[i]` of them for example i."""
    ends = torch.tensor(counts).cumsum(0).tolist()
    return [range(end - count, end) for end, count in zip(ends, counts, strict=True)]


@cache
def _places(grids: tuple[Grid, ...]) -> LongTensor:
    """(n, 5) places of the visual tokens of one example, as in `Layout.places`."""
    places = []
    for view, (rows, columns) in enumerate(grids):
        index = torch.arange(rows * columns)
        constants = [torch.full_like(index, value) for value in (rows, columns, view)]
        places.append(torch.stack([index // columns, index % columns, *constants], 1))
    return torch.cat(places)


def lay_out(placeholders: BoolTensor, views: Sequence[View]) -> Layout:
    """The layout of prompts whose tokens of images are at `placeholders` (batch, seq).

    views: of all images, from the first example to the last. Where `generate` repeats examples for
    its beams or samples, views are not repeated.
    """
    masks = [view.mask() for view in views]
    sizes = [len(mask) for mask in masks]
    counts = placeholders.sum(1).tolist()
    for example, count in enumerate(counts):
        if count == 0:
            raise InputError(f"example {example} of the batch has no image")
    repeats = max(sum(counts) // max(sum(sizes), 1), 1)
    by_example = _assigned(sizes, counts[::repeats])
    indices = [by_example[row // repeats] for row in range(len(counts))]
    is_visual = torch.cat([masks[view] for row in indices for view in row])
    visual = placeholders.clone()
    visual[placeholders] = is_visual.to(placeholders.device)
    grids = [[(views[view].rows, views[view].columns) for view in row] for row in indices]
    return Layout(visual, grids, indices, placeholders & ~visual)


def _assigned(sizes: list[int], counts: list[int]) -> list[list[int]]:
    """Indices of the views of each example.

    sizes: tokens of each view in the prompt; counts: tokens of images of each example.
    """
    view, by_example = 0, []
    for example, count in enumerate(counts):
        views = []
        while count > 0 and view < len(sizes):
            views.append(view)
            count -= sizes[view]
            view += 1
        if count:
            expected = sum(sizes[view] for view in views)
            raise InputError(
                f"example {example} of the batch has {expected + count} tokens of images; "
                f"its images make {expected}"
            )
        by_example.append(views)
    if view < len(sizes):
        raise InputError(
            f"{len(sizes)} images (or tiles of images), the prompts have the tokens of {view}; "
            "a prompt must come in one piece"
        )
    return by_example
