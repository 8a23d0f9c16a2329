"""What pruning and recording of scores cost on one model, and what pruning saves.

    python benchmarks/engine.py                       # 100 M parameters on the CPU
    python benchmarks/engine.py --size 7b --device cuda

Uses a Llama decoder with random weights and prompts of 1,000 tokens, 729 of them visual. Compared
runs are timed in turn, so that both see the same load of the machine; results are the median and
the quartiles of the ratios of pairs. Targets: a method that keeps all tokens takes at most 1.03
times plain `generate`; `record_scores` at most 1.10 times the time (1.05 on a GPU) and 1.05 times
the peak memory of a plain prefill; the speed-up of the prefill is at least 0.9 of the ideal one.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from record import write
from transformers import LlamaConfig, LlamaForCausalLM

from prunescope.cost.peak_memory import peak_bytes
from prunescope.criteria.attention import Attention
from prunescope.methods import Method, Stage, named_methods
from prunescope.pruning import Layout, prune
from prunescope.scores import record_scores

SIZES = {
    "100m": {"hidden_size": 768, "intermediate_size": 2304, "num_hidden_layers": 12,
             "num_attention_heads": 12, "vocab_size": 8192, "tie_word_embeddings": True},
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
           "num_attention_heads": 32, "vocab_size": 32064},
}  # fmt: skip
PROMPT, GRID, NEW = 1000, (27, 27), 16
KEEP_ALL = Method(
    [Stage(3, Attention(rope=False), keep=1.0), Stage(6, Attention(), keep=1.0)], "keep all"
)
METHODS = ("unpruned", "fastv", "feather", "pyramiddrop")


@dataclass
class Bench:
    """A model and a batch of prompts for it."""

    model: LlamaForCausalLM
    inputs: dict[str, Any]
    layout: Layout
    repeats: int

    def generate(self, new: int, method: Method | None = None) -> Any:
        options = {"max_new_tokens": new, "min_new_tokens": new, "do_sample": False}
        if method is None:
            return self.model.generate(**self.inputs, **options)
        with prune(self.model, method, self.layout) as trace:
            self.model.generate(**self.inputs, **options)
        return trace

    def prefill(self) -> None:
        self.model(**self.inputs, use_cache=False, logits_to_keep=1)

    def record(self) -> None:
        record_scores(self.model, {**self.inputs, "logits_to_keep": 1}, self.layout)

    def seconds(self, run: Callable[[], Any]) -> float:
        """Wall-clock time of one call, work of the device included."""
        self.wait()
        start = time.perf_counter()
        run()
        self.wait()
        return time.perf_counter() - start

    def wait(self) -> None:
        if self.model.device.type == "cuda":
            torch.cuda.synchronize()

    def compare(self, plain: Callable[[], Any], ours: Callable[[], Any]) -> dict[str, Any]:
        """Ratio of the time of `ours` to the time of the plain call just before it."""
        pairs = [(self.seconds(plain), self.seconds(ours)) for _ in range(self.repeats + 2)][2:]
        low, middle, high = statistics.quantiles([b / a for a, b in pairs], n=4)
        seconds = statistics.median(a for a, _ in pairs)
        return {"ratio": middle, "quartiles": [low, high], "plain seconds": seconds}

    def methods(self, methods: list[Method]) -> list[dict[str, Any]]:
        """Times, peak memory and cache of each method, and the ideal speed-up of its prefill.

        The first method is the unpruned model. Methods take turns, so that all see the same load.
        """
        laps = [[self.lap(method) for method in methods] for _ in range(self.repeats + 1)][1:]
        prefill, whole = torch.tensor(laps).median(0).values.T.tolist()
        rows = []
        for number, method in enumerate(methods):
            lengths = [sum(layer) for layer in self.generate(1, method).kv_lengths]
            ideal = len(lengths) * PROMPT * len(self.layout.visual) / sum(lengths)
            speedup = prefill[0] / prefill[number]
            rows.append(
                {
                    "method": method.name,
                    "prefill seconds": prefill[number],
                    "decode seconds per token": (whole[number] - prefill[number]) / NEW,
                    "peak bytes": peak_bytes(
                        lambda method=method: self.generate(1, method), self.model.device
                    ),
                    "cache bytes": sum(lengths) * self.token_bytes,
                    "ideal speed-up": ideal,
                    "speed-up": speedup,
                    "of the ideal": speedup / ideal,
                }
            )
        return rows

    def lap(self, method: Method) -> tuple[float, float]:
        """Seconds to the first token, and to the last."""
        first = self.seconds(lambda: self.generate(1, method))
        return first, self.seconds(lambda: self.generate(1 + NEW, method))

    @property
    def token_bytes(self) -> int:
        """Size of a key and a value in one layer."""
        config = self.model.config
        return 2 * config.num_key_value_heads * config.head_dim * self.model.dtype.itemsize


def prepare(size: str, device: str, batch: int, repeats: int) -> Bench:
    torch.manual_seed(0)
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    config = LlamaConfig(**SIZES[size], eos_token_id=None, max_position_embeddings=2048)
    with torch.device(device):
        model = LlamaForCausalLM(config).to(dtype).eval()
        embeds = 0.02 * torch.randn(batch, PROMPT, config.hidden_size, dtype=dtype)
        columns = torch.arange(PROMPT).expand(batch, -1)
    visual = (columns >= 1) & (columns < 1 + GRID[0] * GRID[1])
    inputs = {"inputs_embeds": embeds, "attention_mask": torch.ones_like(columns)}
    return Bench(model, inputs, Layout(visual, GRID), repeats)


def measure(bench: Bench) -> dict[str, Any]:
    """All results of one batch size."""
    keep_all = bench.compare(lambda: bench.generate(NEW), lambda: bench.generate(NEW, KEEP_ALL))
    recording = bench.compare(bench.prefill, bench.record)
    recorded, plain = (peak_bytes(run, bench.model.device) for run in (bench.record, bench.prefill))
    recording["peak memory"] = recorded / plain
    known = named_methods()
    methods = bench.methods([known[name] for name in METHODS])
    return {"keep all": keep_all, "record_scores": recording, "methods": methods}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="100m")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, nargs="+", default=[1])
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    with torch.inference_mode():
        cases = [
            {"batch": batch}
            | measure(prepare(options.size, options.device, batch, options.repeats))
            for batch in options.batch
        ]
    name = f"engine-{options.size}-{options.device}"
    write(name, {**vars(options), "cases": cases}, ("torch", "transformers"))


if __name__ == "__main__":
    main()
