"""Budget of a method: T, the mean visual tokens of a decoder layer, and its share T/N."""

from collections.abc import Sequence
from itertools import pairwise


def mean_tokens(layers: Sequence[int], counts: Sequence, total: int, depth: int):
    """T, the mean over the decoder layers of the visual tokens present.

    T = (l_1 N + (l_2 - l_1) n_1 + ... + (L - l_s) n_s) / L, with L = depth and N = total.

    layers: l_i, index of the decoder layer before which stage i removes tokens, increasing.
    counts: n_i, tokens left after stage i; numbers, or arrays with a value for each example.
    total: visual tokens of the prompt.
    """
    bounds = [0, *layers, depth]
    widths = [end - start for start, end in pairwise(bounds)]
    return sum(w * n for w, n in zip(widths, [total, *counts], strict=True)) / depth


def mean_share(layers: Sequence[int], counts: Sequence, total: int, depth: int):
    """T/N, one minus the "FLOPs reduction" of FEATHER (arXiv 2412.13180).

    Arguments as in `mean_tokens`.
    """
    return mean_tokens(layers, counts, total, depth) / total
