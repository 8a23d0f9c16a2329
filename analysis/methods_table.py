"""What each method keeps, what that costs, and what accuracy is left.

stages: for each stage the layer K before which it removes tokens and the mean number that it
leaves; tokens: realised mean of visual tokens per layer; share: that over the unpruned model's;
kv_mib: KV cache when decoding starts; prefill_flops: the LLM's operations for one prompt. Intervals
are 95 %, by image, exact where events are rare.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.errors import InputError
from prunescope.figures import tables
from prunescope.method_names import NO_IMAGE, parse
from prunescope.statistics.accuracy import budgets, by_method, estimates
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import group_weights
from prunescope.statistics.kept_tokens import count_tokens
from prunescope.statistics.rare import answer_means
from prunescope.statistics.reading import localization_tasks, read_records

ANSWERS = ["score", "iou", "invalid", "target_box"]
COLUMNS = [*ANSWERS, "mean_tokens", "kv_bytes", "stage_layers"]


def make(records, operations, csv, bootstrap: Bootstrap = Bootstrap()):
    """operations: Parquet files of one model with a row for each method.

    The points of a reading curve have a table of their own.
    """
    paths, layers = records, {}

    def without_layers(part):
        layers.update(part.drop_duplicates("method").set_index("method")["stage_layers"])
        return part.drop(columns="stage_layers")

    records = read_records(paths, COLUMNS, transform=without_layers)
    records = records[records["method"].map(lambda name: parse(name).base != NO_IMAGE)]
    counted = pd.concat([pd.read_parquet(path) for path in operations], ignore_index=True)
    if counted["method"].duplicated().any():
        raise InputError("operations: expected one row for each method, got several")
    table = summary(records).join(accuracies(records, bootstrap))
    table.insert(0, "stages", stages(table.index, layers, paths))
    if boxed := localization_tasks(records):
        table = table.join(overlaps(records[records["task"].isin(boxed)], bootstrap))
    table = table.join(unreadable(records, bootstrap))
    table = table.join(counted.set_index("method")["prefill_flops"])
    tables.write(table.reset_index(), csv)


def summary(records):
    """Realised cost of every method, in the order of the records."""
    grouped = records.groupby("method", sort=False)
    table = grouped["mean_tokens"].mean().rename("tokens").to_frame()
    table["share"] = budgets(records).mean()
    table["kv_mib"] = grouped["kv_bytes"].mean() / 2**20
    return table


def stages(methods, layers, paths):
    """Text for every method: the layers of its stages, and how many tokens they leave on average.

    layers: layers of the stages by method; paths: the records.
    """
    counts = count_tokens(paths, ["method"]).groupby(["method", "stage"])
    left = (counts["tokens"].sum() / counts["records"].first()).to_dict()
    return [
        "; ".join(f"K={k}: {left.get((name, i), 0):.4g}" for i, k in enumerate(layers[name]))
        for name in methods
    ]


def accuracies(records, bootstrap):
    """Columns accuracy, low and high of each group of tasks, by method."""
    groups = group_weights(records)
    table = estimates(by_method(records), groups, bootstrap).set_index("method")
    parts = []
    for group, rows in table.groupby("group", sort=False):
        part = rows[["value", "low", "high"]]
        parts.append(part.rename(columns=lambda c, g=group: g if c == "value" else f"{g} {c}"))
    return pd.concat(parts, axis=1)


def overlaps(located, bootstrap):
    """Columns mean IoU, low and high, by method, a mean over the localization tasks.

    located: records of these tasks. An answer without a box overlaps nothing.
    """
    tasks = located["task"].unique()
    group = {"mean IoU": dict.fromkeys(tasks, 1 / len(tasks))}
    values = by_method(located.fillna({"iou": 0.0}), "iou")
    table = estimates(values, group, bootstrap).set_index("method")
    names = {"value": "mean IoU", "low": "mean IoU low", "high": "mean IoU high"}
    return table.rename(columns=names)[[*names.values()]]


def unreadable(records, bootstrap):
    """Share of invalid answers of every method, over all tasks, with its interval."""
    values = by_method(records, "invalid")
    images = values.index.get_level_values("image").to_numpy()
    table = answer_means(values.to_numpy(), images, bootstrap).set_index(values.columns)
    names = {"value": "invalid", "low": "invalid low", "high": "invalid high"}
    return table.rename(columns=names)[[*names.values()]]


run(make, globals())
