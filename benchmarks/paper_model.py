"""The paper's model in its real size, with random weights, and made-up questions of its benchmarks.

Tokenizer and questions are made by `PYTHONPATH=tests python -m helpers.rehearsal
data/rehearsal/files`. A text has more tokens than with the tokenizer of Llama-2; an image has its
729.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from transformers import AutoModelForImageTextToText

from prunescope.checkpoints.loaded import Loaded
from prunescope.checkpoints.prismatic.configuration import DECODER, configure
from prunescope.checkpoints.prismatic.processor import build_processor, greedy_decoding
from prunescope.checkpoints.prismatic.tokenizer import read_tokenizer
from prunescope.checkpoints.prismatic.vision import TOWER
from prunescope.study import Study
from prunescope.tasks.card import Task, read_task
from prunescope.tasks.examples import load_examples

if TYPE_CHECKING:
    from datasets import Dataset

STUDY, REHEARSAL = "workflow/config/paper.yaml", "workflow/config/rehearsal.yaml"
FILES = Path("data/rehearsal/files")
LLAMA_ROWS = 32064
# width and hidden width of SigLIP so400m and Llama-2 7B; of both a hundredth, to try a benchmark
SIZES = {"7b": (1152, 4304, 4096, 11008), "tiny": (144, 160, 128, 256)}
TOWER_DEPTH, DEPTH = 27, 32
BOX, WORDS = 24, 4  # tokens of an answer: a box as text, as Llama-2 writes it, and a few words


def build(size: str, device: str) -> Loaded:
    """The model with random weights and its processor; in bfloat16 on a GPU."""
    torch.manual_seed(0)
    words = read_tokenizer(FILES / "llama")
    settings = configure(_tensors(size, len(words)), words)
    settings.text_config.vocab_size = LLAMA_ROWS
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    with torch.device(device):
        model = AutoModelForImageTextToText.from_config(
            settings, dtype=dtype, attn_implementation="sdpa"
        )
    model.generation_config = greedy_decoding(words)
    return Loaded.of(model.eval(), build_processor(words, settings))


def paper_tasks() -> dict[str, Task]:
    """The tasks of the paper's study, with answers as long as a model gives them."""
    access = Study.load(REHEARSAL).config["data"]
    names = Study.load(STUDY).tasks
    cards = {name: read_task(f"data/tasks/{name}.yaml", None, access) for name in names}
    return {name: replace(card, max_new_tokens=_length(card)) for name, card in cards.items()}


def examples(task: Task, count: int) -> "Dataset":
    """So many of a task: its few rows again and again."""
    from datasets import concatenate_datasets

    rows = load_examples(task)
    many = concatenate_datasets([rows] * -(-count // len(rows))).select(range(count))
    names = [f"{number}-{name}" for number, name in enumerate(many["id"])]
    return many.remove_columns("id").add_column("id", names)


def _length(task: Task) -> int:
    return min(task.max_new_tokens, BOX if task.localization else WORDS)


def _tensors(size: str, tokens: int) -> dict[str, torch.Tensor]:
    """Those that the configuration is read off, without values."""
    vision, vision_mlp, text, text_mlp = SIZES[size]
    layers = f"{TOWER}encoder.layers."
    shapes = {
        f"{TOWER}embeddings.patch_embedding.weight": (vision, 3, 14, 14),
        f"{layers}0.mlp.fc1.weight": (vision_mlp, vision),
        f"{layers}{TOWER_DEPTH - 1}.mlp.fc1.weight": (vision_mlp, vision),
        f"{DECODER}embed_tokens.weight": (-(-(tokens - 1) // 64) * 64, text),
        f"{DECODER}layers.0.self_attn.k_proj.weight": (text, text),
        f"{DECODER}layers.0.mlp.gate_proj.weight": (text_mlp, text),
        f"{DECODER}layers.{DEPTH - 1}.mlp.gate_proj.weight": (text_mlp, text),
    }
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
