"""Scores of all layers of a decoder over grids of tokens without content, on disk.

The grid stands where an image would, and a question follows. Only places differ
systematically among the tokens, so what the scores prefer, they prefer by place.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn
from transformers import PreTrainedTokenizerBase

from prunescope.hub.origins import commits_of
from prunescope.models import Layout
from prunescope.models.layout import Grid
from prunescope.probing.contents import CONTENTS
from prunescope.probing.decoders import Decoder, word_vectors
from prunescope.probing.head_scores import BY_HEAD, NAMES, variants
from prunescope.probing.prompts import around
from prunescope.progress import Progress
from prunescope.provenance import engine_digest
from prunescope.scores import record_scores

Scores = tuple[np.ndarray, np.ndarray]  # by token and by head, as `_summary` returns them


def probe(decoder: Decoder, stores: Mapping[str, Path | str], grid: Grid, draws: int) -> None:
    """Write the scores of a decoder, for each content of `CONTENTS` that `stores` names.

    grid: rows and columns of tokens. draws: prompts of each content; draw i has the tokens of seed
    i, the text of `around`, and of an untrained decoder the weights of seed i.

    Each store is a Zarr with the variables `score` (example, layer, variant, row, col), float32, as
    `score_extraction` writes for images, and `log_by_row` (example, layer, head_variant, head,
    row), the mean log score in each row of the grid, by attention head. variants: with RoPE,
    without, RoPE alone (all keys are their mean), and RoPE on equal vectors; the last has no heads.
    """
    parts: dict[str, list[Scores]] = {content: [] for content in stores}
    progress = Progress(draws, f"{decoder.name}: probe")
    for draw, model in zip(range(draws), _models(decoder), strict=False):
        scores = _scores(model, decoder.tokenizer, list(stores), grid, draw)
        for content, part in zip(stores, scores, strict=True):
            parts[content].append(part)
        progress.advance(1)
    for content, store in stores.items():
        _label(parts[content], decoder, content).to_zarr(store, mode="w", zarr_format=2)


def _models(decoder: Decoder) -> Iterator[nn.Module]:
    """The model of each draw: one and the same, or new weights each time."""
    model, seed = decoder.load(0), 0
    while True:
        yield model
        seed += 1
        model = model if decoder.trained else decoder.load(seed)


@torch.inference_mode()
def _scores(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    contents: Sequence[str],
    grid: Grid,
    draw: int,
) -> list[Scores]:
    """Scores of one prompt with each content, in one batch."""
    vectors, count = word_vectors(model, tokenizer), grid[0] * grid[1]
    tokens = [CONTENTS[c](vectors, count, Generator().manual_seed(draw)) for c in contents]
    before, after = around(tokenizer, draw)
    embed = model.get_input_embeddings()
    ends = [
        embed(torch.tensor([ids], dtype=torch.long, device=model.device)) for ids in (before, after)
    ]
    middle = torch.stack(tokens).to(ends[0])
    first, last = (end.expand(len(contents), -1, -1) for end in ends)
    inputs = {"inputs_embeds": torch.cat([first, middle, last], dim=1)}
    layout = _layout(len(contents), len(before), len(after), grid)
    heads = model.config.num_attention_heads
    recorded = record_scores(model, inputs, layout, variants=variants(heads)).cpu()
    return [_summary(scores, heads, grid) for scores in recorded]


def _layout(batch: int, before: int, after: int, grid: Grid) -> Layout:
    visual = torch.zeros(batch, before + grid[0] * grid[1] + after, dtype=torch.bool)
    visual[:, before : visual.shape[1] - after] = True
    return Layout(visual, grid)


def _summary(scores: Tensor, heads: int, grid: Grid) -> Scores:
    """(layers, variants by head and one without, tokens) scores of one prompt -> means over heads
    (layers, `NAMES`, rows, columns), and mean logs by row (layers, `BY_HEAD`, heads, rows).

    A score that underflowed to 0 counts as the smallest normal float32.
    """
    scores = scores.unflatten(-1, grid)
    of_heads = scores[:, :-1].unflatten(1, (len(BY_HEAD), heads))
    means = torch.cat([of_heads.mean(2), scores[:, -1:]], dim=1)
    logs = of_heads.clamp(min=torch.finfo(torch.float32).tiny).log().mean(-1)
    return means.numpy(), logs.numpy()


def _label(parts: Sequence[Scores], decoder: Decoder, content: str) -> Any:
    """The scores of one content as an xarray Dataset, with coordinates and attributes."""
    import xarray as xr

    means, logs = (np.stack(arrays) for arrays in zip(*parts, strict=True))
    draws = range(len(parts))
    dims = ("example", "layer")
    coords = {
        "example": [f"{content}-{draw}" for draw in draws],
        "image": ("example", [f"draw-{draw}" for draw in draws]),
        "layer": np.arange(1, means.shape[1] + 1),
        "variant": list(NAMES),
        "head_variant": list(BY_HEAD),
    }
    variables = {
        "score": ((*dims, "variant", "row", "col"), means),
        "log_by_row": ((*dims, "head_variant", "head", "row"), logs),
    }
    return xr.Dataset(variables, coords, _attributes(decoder, content))


def _attributes(decoder: Decoder, content: str) -> dict[str, Any]:
    """Where the scores come from."""
    versions = {library: version(library) for library in ("torch", "transformers", "prunescope")}
    commits = commits_of(decoder.path)
    origin = {"origin": ", ".join(commits)} if commits else {}
    settings = {"trained": decoder.trained, "dtype": decoder.dtype, "device": decoder.device}
    names = {"model": decoder.name, "task": content}
    return names | origin | settings | versions | {"engine": engine_digest()}
