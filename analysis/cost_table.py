"""What every method costs on every model: as it follows from the tokens kept, counted and measured.

kept_share is T/N, what a layer sees on average of the visual tokens; prefill_gflop are the language
model's operations for one prompt, text and scoring included, in 10^9; counted_gap by how much what
torch counts differs from that: beyond 0.01 one of the two is wrong, and the log of the cost warns.
kv_mib is the KV cache when decoding starts. The rest is measured on the device that is named, for a
batch: peak_mib of memory, weights included, and milliseconds of the vision tower, the prefill with
its scoring, one decoded token, and an answer of a few tokens from the pixels on; medians with
quartiles of repeated runs.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.figures import tables

TIMES = ("vision_ms", "prefill_ms", "decode_ms", "answer_ms")
UNITS = {
    "prefill_flops": ("prefill_gflop", 1e9),
    "kv_bytes": ("kv_mib", 2**20),
    "peak_bytes": ("peak_mib", 2**20),
}


def make(every_cost, csv):
    """every_cost: Parquet files with a row for each method, one for each model."""
    table = pd.concat([pd.read_parquet(path) for path in every_cost], ignore_index=True)
    for column, (name, unit) in UNITS.items():
        table[name] = table[column] / unit
    spread = [f"{time}{end}" for time in TIMES for end in ("", "_q25", "_q75")]
    means = ["visual_tokens", "mean_tokens", "kept_share", "prefill_gflop", "counted_gap", "kv_mib"]
    where = ["batch_size", "device", "dtype", "attn"]
    tables.write(table[["model", "method", *means, "peak_mib", *spread, *where]], csv)


run(make, globals())
