"""What the study says about where kept tokens lie."""

from collections.abc import Iterator

import pandas as pd

from prunescope.findings.words import DIFFERS, MATCHES, OPEN, Tables, number, verdict
from prunescope.statistics.position import DIFFERENCE

PUBLISHED = 0.807  # mean height at K = 3 of 32, R = 0.75


def _position(tables: Tables, measure: str, variant: str) -> pd.DataFrame:
    table = tables["mean_kept_row"]
    return table[(table["measure"] == measure) & (table["variant"] == variant)].set_index("layer")


def _side(row: pd.Series) -> str:
    return {
        MATCHES: "towards the bottom of the image",
        DIFFERS: "towards the top of the image",
        OPEN: "not to be told from no bias",
    }[verdict(row, 0.5)]


def concentration(tables: Tables) -> Iterator[tuple[str, str]]:
    """With RoPE at the smallest K: do the kept tokens lie below the middle of the image?"""
    rows, shares = (_position(tables, m, "rope") for m in ("mean_row", "bottom_quarter"))
    layer = rows.index.min()
    row = rows.loc[layer]
    here = (
        f"At K = {layer}, with RoPE in the score, the kept tokens lie at a mean height of "
        f"{number(row)} (0 top, 1 bottom, 0.5 no bias): {_side(row)}. The bottom quarter holds "
        f"{number(shares.loc[layer], 100, 'z.0f')} % of them (25 % without bias)."
    )
    if verdict(row, 0.5) == MATCHES and verdict(row, PUBLISHED) != OPEN:
        size = "weaker" if row["high"] < PUBLISHED else "stronger"
        here += f" The concentration is {size} than the published one."
    yield here, verdict(row, 0.5)


def depth(tables: Tables) -> Iterator[tuple[str, str]]:
    """With RoPE: is what concentrates at the smallest K less concentrated at the largest?"""
    rows = _position(tables, "mean_row", "rope")
    first, last = rows.loc[rows.index.min()], rows.loc[rows.index.max()]
    extreme = (rows["value"] - 0.5).abs().idxmax()
    fades, grows = first["low"] > last["high"], last["low"] > first["high"]
    here = (
        f"With RoPE in the score the mean height goes from {number(first)} at K = {first.name} to "
        f"{number(last)} at K = {last.name}; it is furthest from 0.5 at K = {extreme} "
        f"({number(rows.loc[extreme])}, {_side(rows.loc[extreme])})."
    )
    held = verdict(first, 0.5)
    if held != MATCHES:
        yield here + f" At K = {first.name} there is no concentration that could fade.", held
    else:
        yield here, MATCHES if fades else DIFFERS if grows else OPEN


def unevenness(tables: Tables) -> Iterator[tuple[str, str]]:
    """At the smallest K: does RoPE move the share of kept tokens by row away from uniform?"""
    names = ("rope", "norope", DIFFERENCE)
    rotated, plain, change = (_position(tables, "total_variation", name) for name in names)
    layer = change.index.min()
    says = {MATCHES: "more", DIFFERS: "less", OPEN: "not measurably more"}[
        verdict(change.loc[layer])
    ]
    yield (
        f"At K = {layer}, the share of kept tokens in a row of the image depends {says} on the row "
        f"with RoPE in the score: total variation from uniform {number(rotated.loc[layer])}, "
        f"without RoPE {number(plain.loc[layer])}; difference {number(change.loc[layer])}.",
        verdict(change.loc[layer]),
    )


def rope(tables: Tables) -> Iterator[tuple[str, str]]:
    """At the smallest K: does RoPE in the score move the kept tokens down?"""
    change, without = (_position(tables, "mean_row", v) for v in (DIFFERENCE, "norope"))
    layer = change.index.min()
    row, rest = change.loc[layer], without.loc[layer]
    does = {MATCHES: "moves", DIFFERS: "moves", OPEN: "does not measurably move"}[verdict(row)]
    where = {MATCHES: " down", DIFFERS: " up", OPEN: ""}[verdict(row)]
    yield (
        f"At K = {layer}, RoPE in the score {does} the kept tokens{where}, by {number(row)} of the "
        f"image's height; without it they lie at {number(rest)}: {_side(rest)}.",
        verdict(row),
    )


def recall_by_layer(tables: Tables) -> Iterator[tuple[str, str]]:
    """Without RoPE: is more of the true box kept at a later layer than at the smallest K?"""
    table = tables["box_recall"]
    rows = table[table["variant"] == "norope"].set_index("layer").sort_index()
    first, best = rows.iloc[0], rows.loc[rows["value"].idxmax()]
    better = best["low"] > first["high"]
    yield (
        f"Without RoPE in the score, {number(first, 100, 'z.0f')} % of the true box's tokens are "
        f"kept at K = {first.name} and most at K = {best.name}: {number(best, 100, 'z.0f')} %"
        f"{'' if better else ', which is not clearly more'}.",
        MATCHES if better else OPEN,
    )
