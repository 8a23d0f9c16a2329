"""Where the visual tokens of a batch of prompts are, and where in their images."""

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
    """A rectangle of visual tokens that follow each other in raster order: an image, or one of
    the tiles that a processor makes of it.

    tokens: (n,) which of the image's tokens in the prompt are visual tokens, the others being
    separators (line ends, say); None: all are.
    """

    rows: int
    columns: int
    tokens: BoolTensor | None = None

    def __post_init__(self) -> None:
        marked = self.rows * self.columns if self.tokens is None else int(self.tokens.sum())
        if marked != self.rows * self.columns:
            raise InputError(f"{marked} tokens marked in a view of {self.rows} x {self.columns}")

    def mask(self) -> BoolTensor:
        """(n,) which of its tokens in the prompt are visual tokens."""
        if self.tokens is not None:
            return self.tokens
        return torch.ones(self.rows * self.columns, dtype=torch.bool)


@dataclass(frozen=True)
class Layout:
    """Where the visual tokens are.

    visual: (batch, seq). grids: for each example, (rows, columns) of its views in their order; or
    one pair for one such image in every example. views: for each example, the numbers of its
    views among those of the batch's pixels; None: counted through. separators: (batch, seq) tokens
    of images that are no visual tokens (line ends, say); None: there are none.
    """

    visual: BoolTensor
    grids: Sequence[Sequence[Grid]] | Grid
    views: Sequence[Sequence[int]] | None = None
    separators: BoolTensor | None = None

    def __post_init__(self) -> None:
        grids = self.grids
        if len(grids) == 2 and all(isinstance(side, int) for side in grids):
            grids = [[grids]] * len(self.visual)
        grids = tuple(tuple((int(rows), int(cols)) for rows, cols in each) for each in grids)
        object.__setattr__(self, "grids", grids)
        if self.views is None:
            ends = torch.tensor([len(each) for each in grids]).cumsum(0).tolist()
            runs = [range(e - len(g), e) for e, g in zip(ends, grids, strict=True)]
            object.__setattr__(self, "views", runs)
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
        """That of a batch in which each example comes so many times, as for beams and samples."""
        examples = [row for row in range(len(self.visual)) for _ in range(times)]
        return Layout(
            self.visual[examples],
            [self.grids[row] for row in examples],
            [self.views[row] for row in examples],
            None if self.separators is None else self.separators[examples],
        )

    @cached_property
    def places(self) -> LongTensor:
        """(batch, n, 5) row, column, rows, columns and number of the view of each visual token,
        in the order of the prompt; filled up at the end."""
        if len(set(self.grids)) == 1:
            places = _places(self.grids[0]).expand(len(self.grids), -1, -1)
        else:
            places = pad_sequence([_places(each) for each in self.grids], batch_first=True)
        return places.to(self.visual.device)


@cache
def _places(grids: tuple[Grid, ...]) -> LongTensor:
    found = []
    for number, (rows, columns) in enumerate(grids):
        index = torch.arange(rows * columns)
        same = [torch.full_like(index, each) for each in (rows, columns, number)]
        found.append(torch.stack([index // columns, index % columns, *same], 1))
    return torch.cat(found)


def lay_out(placeholders: BoolTensor, views: Sequence[View]) -> Layout:
    """The layout of prompts (batch, seq) whose images' tokens are at `placeholders`.

    The views follow each other from the first example to the last. Where `generate` repeats each
    example for its beams or samples, the views are those of the examples before that.
    """
    masks = [view.mask() for view in views]
    sizes = [len(mask) for mask in masks]
    counts = placeholders.sum(1).tolist()
    for example, count in enumerate(counts):
        if count == 0:
            raise InputError(f"example {example} of the batch has no image")
    repeats = max(sum(counts) // max(sum(sizes), 1), 1)
    taken = _deal(sizes, counts[::repeats])
    numbers = [taken[row // repeats] for row in range(len(counts))]
    marked = torch.cat([masks[each] for row in numbers for each in row])
    visual = placeholders.clone()
    visual[placeholders] = marked.to(placeholders.device)
    grids = [[(views[each].rows, views[each].columns) for each in row] for row in numbers]
    return Layout(visual, grids, numbers, placeholders & ~visual)


def _deal(sizes: list[int], counts: list[int]) -> list[list[int]]:
    """Which views belong to each example, of whose tokens there are `counts`."""
    number, dealt = 0, []
    for example, count in enumerate(counts):
        own = []
        while count > 0 and number < len(sizes):
            own.append(number)
            count -= sizes[number]
            number += 1
        if count:
            expected = sum(sizes[each] for each in own)
            raise InputError(
                f"example {example} of the batch has {expected + count} tokens of images; "
                f"its images make {expected}"
            )
        dealt.append(own)
    if number < len(sizes):
        raise InputError(
            f"{len(sizes)} images (or tiles of images), the prompts have the tokens of {number}; "
            "a prompt must come in one piece"
        )
    return dealt
