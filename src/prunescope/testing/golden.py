"""Compare the engine with stored results of a reference implementation.

python -m prunescope.testing.golden FILE.json

FILE.json holds the configuration of a Llama decoder and cases; FILE.safetensors its weights and
FILE.inputs.safetensors the input embeddings. Prints one line per case; exit code 1 on any
difference.
"""

import argparse
import json
import re
import sys
from math import isqrt
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from prunescope.criteria import Criterion
from prunescope.criteria.attention import Attention
from prunescope.criteria.last import Last
from prunescope.criteria.uniform import Uniform
from prunescope.engine.caches import CACHE, cache_of
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.pruning import Layout, Trace, prune

TOLERANCE = 1e-4  # largest difference of logits


def method_of(name: str, case: dict[str, Any]) -> Method:
    """The method of a case: its layers, the fraction removed and a flag.

    Flags as in the official code of FEATHER: none, "no_rope", "no_rope_s=STRIDE" and
    "s=STRIDE_p=FRACTION" (a stride of 0: no grid; a fraction of 0: no last tokens).
    """
    flag = case["flag"] or "rope"
    if fixed := re.fullmatch(r"s=(\d+)_p=([\d.]+)", flag):
        score, always = _fixed_set(int(fixed[1]), float(fixed[2]))
        return Method([Stage(layer, score, always=always) for layer in case["layers"]], name)
    scored = re.fullmatch(r"(rope|no_rope)(?:_s=(\d+))?", flag)
    if scored is None:
        raise InputError(f"case {name}: unknown flag {flag!r}")
    score = Attention(rope=scored[1] == "rope")
    remove = case["removed"]
    if scored[2] is None:
        return Method([Stage(layer, score, remove=remove) for layer in case["layers"]], name)
    # With a grid there are one or two stages. The second squares the fraction and has no grid.
    grid = Uniform(int(scored[2]), start="corner")
    first, *later = case["layers"]
    stages = [Stage(first, score, remove=remove, always=grid)]
    stages += [Stage(layer, score, remove=remove, power=2) for layer in later]
    return Method(stages, name)


def _fixed_set(stride: int, fraction: float) -> tuple[Criterion, Criterion | None]:
    """A grid and the last tokens, or the one of them that is asked for and None."""
    if not stride:
        return Last(fraction), None
    return Uniform(stride, start="corner"), Last(fraction) if fraction else None


def load(path: Path) -> tuple[LlamaForCausalLM, Tensor, Layout, dict[str, Any]]:
    """Model, input embeddings (1, seq, dim), layout and the cases of a file."""
    data = json.loads(path.read_text())
    model = LlamaForCausalLM(LlamaConfig(**{"tie_word_embeddings": False} | data["config"])).eval()
    model.load_state_dict(load_file(path.with_suffix(".safetensors")))
    embeds = load_file(path.with_suffix(".inputs.safetensors"))["inputs_embeds"]
    visual = torch.zeros(embeds.shape[:2], dtype=torch.bool)
    visual[:, data["image_start"] : data["image_start"] + data["n_image"]] = True
    return model, embeds, Layout(visual, grid_of(data)), data["cases"]


def grid_of(data: dict[str, Any]) -> tuple[int, int]:
    """(rows, columns): `grid` in the file, or the most nearly square grid of `n_image` tokens."""
    if "grid" in data:
        rows, columns = data["grid"]
        return rows, columns
    count = data["n_image"]
    rows = next(side for side in range(isqrt(count), 0, -1) if count % side == 0)
    return rows, count // rows


def run_case(
    model: LlamaForCausalLM, embeds: Tensor, layout: Layout, method: Method, steps: int
) -> tuple[Trace, Tensor, list[int]]:
    """The trace, logits (vocabulary) at the last prompt position, and `steps` greedy tokens."""
    with torch.inference_mode(), prune(model, method, layout) as trace:
        output = model(inputs_embeds=embeds, use_cache=True)
        logits = output.logits[0, -1]
        tokens = [int(logits.argmax())]
        while len(tokens) < steps:
            output = model(torch.tensor([tokens[-1:]]), **{CACHE: cache_of(output)})
            tokens.append(int(output.logits[0, -1].argmax()))
    return trace, logits, tokens


def differences(case: dict[str, Any], trace: Trace, logits: Tensor, tokens: list[int]) -> list[str]:
    """Differences from the stored result, in words; empty if there are none."""
    kept = [stage[0].tolist() for stage in trace.kept]
    expected = [case["kept"][str(layer)] for layer in case["layers"]]
    gap = (logits - torch.tensor(case["last_logits"])).abs().max().item()
    lengths = [by_example[0] for by_example in trace.kv_lengths]
    texts = [
        f"kept before layer {layer}: {len(set(ours) ^ set(theirs))} indices differ"
        for layer, ours, theirs in zip(case["layers"], kept, expected, strict=True)
        if ours != theirs
    ]
    texts += [f"logits differ by {gap:.1e}"] if gap > TOLERANCE else []
    texts += [f"greedy tokens {tokens}"] if tokens != case["greedy_tokens"] else []
    texts += [f"KV lengths {lengths}"] if lengths != case["kv_lengths"] else []
    return texts


def main(arguments: list[str] | None = None) -> int:
    """Print agreement by case; return 0 if all cases are equal, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    path = parser.parse_args(arguments).file
    for part in (path, *map(path.with_suffix, (".safetensors", ".inputs.safetensors"))):
        if not part.is_file():
            parser.error(f"no such file: {part}")
    model, embeds, layout, cases = load(path)
    failed = 0
    for name, case in cases.items():
        method = method_of(name, case)
        result = run_case(model, embeds, layout, method, len(case["greedy_tokens"]))
        texts = differences(case, *result)
        failed += bool(texts)
        print(f"{name}: {'; '.join(texts) or 'equal'}")
    print(f"{len(cases) - failed} of {len(cases)} cases equal")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
