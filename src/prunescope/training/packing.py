"""Packing: many questions about one image, in one row of fixed length.

A question sees <bos>, the image and itself, with the position ids of a single prompt. A packed row
therefore trains exactly what single prompts would, at a fraction of the cost.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import AttentionInterface

from prunescope.testbed.questions import ASK, Question, describe
from prunescope.testbed.scenes import GRID, Scene
from prunescope.training.vocabulary import ID, encode, prompt

PREFIX = 1 + GRID**2  # <bos> and the image
QUESTION_TOKENS = 175
LENGTH = PREFIX + QUESTION_TOKENS
DRAWS = 40  # questions drawn for a row; more than fit
EOS_WEIGHT = 0.05  # <eos> is easy
# Relative frequencies of the tasks in a row.
SYMBOLS_MIX = {
    "caption": 0.4,
    "locate": 0.46,
    "exists": 0.09,
    "count": 0.11,
    "color": 0.09,
    "shape": 0.09,
    "background": 0.02,
    "relation": 0.14,
}
IMAGES_MIX = {
    "caption": 0.15,
    "locate": 0.4,
    "exists": 0.2,
    "count": 0.16,
    "color": 0.1,
    "shape": 0.1,
    "background": 0.04,
    "relation": 0.14,
}
LATE_MIX = {  # more of what is learned last: backgrounds, counts, relations
    "caption": 0.08,
    "locate": 0.36,
    "exists": 0.15,
    "count": 0.2,
    "color": 0.08,
    "shape": 0.06,
    "background": 0.15,
    "relation": 0.2,
}
DRAW = {**ASK, "caption": describe}
TASKS = tuple(DRAW)


@dataclass
class Packed:
    """One batch of packed rows; all tensors are (batch, LENGTH)."""

    tokens: Tensor
    positions: Tensor
    blocks: Tensor  # 0 for the shared prefix, 1, 2, ... for questions, -1 for padding
    weights: Tensor  # weight of predicting this token; the words of an answer weigh 1 in all
    tasks: Tensor  # index into TASKS of the question, -1 elsewhere


def pack(scenes: list[Scene], rng: np.random.Generator, mix: dict[str, float]) -> Packed:
    """Draw questions about each scene until its row is full."""
    rows = [_row(scene, rng, mix) for scene in scenes]
    return Packed(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))


def _row(scene: Scene, rng: np.random.Generator, mix: dict[str, float]) -> tuple[np.ndarray, ...]:
    """The fields of `Packed` for one scene, each (LENGTH,)."""
    tokens = np.full(LENGTH, ID["<pad>"], np.int64)
    positions = np.zeros(LENGTH, np.int64)
    blocks = np.full(LENGTH, -1, np.int64)
    weights = np.zeros(LENGTH, np.float32)
    tasks = np.full(LENGTH, -1, np.int64)
    tokens[:PREFIX] = ID["<image>"]
    tokens[0] = ID["<bos>"]
    positions[:PREFIX] = np.arange(PREFIX)
    blocks[:PREFIX] = 0
    start, block, names = PREFIX, 0, list(mix)
    shares = np.array(list(mix.values())) / sum(mix.values())
    for task in rng.choice(len(names), DRAWS, p=shares):
        question = DRAW[names[task]](scene, rng)
        if question is None:
            continue
        prompt_ids, answer_ids = _encode(question, names[task])
        answer = start + len(prompt_ids)
        stop = answer + len(answer_ids)
        if stop > LENGTH:
            break
        block += 1
        tokens[start:stop] = prompt_ids + answer_ids
        positions[start:stop] = PREFIX + np.arange(stop - start)  # as if it stood alone
        blocks[start:stop] = block
        weights[answer : stop - 1] = 1 / (len(answer_ids) - 1)
        weights[stop - 1] = EOS_WEIGHT
        tasks[start:stop] = TASKS.index(names[task])
        start = stop
    return tokens, positions, blocks, weights, tasks


def _encode(question: Question, task: str) -> tuple[list[int], list[int]]:
    """Ids of the prompt, and of the answer with <eos>; a caption has no prompt around it."""
    text = question.text if task == "caption" else prompt(question.text)
    return encode(text), [*encode(question.answer), ID["<eos>"]]


def attention_bias(blocks: Tensor, dtype: torch.dtype) -> Tensor:
    """Additive mask (batch, 1, LENGTH, LENGTH): tokens see earlier ones of their block and prefix.

    blocks: (batch, LENGTH), as in `Packed`.
    """
    query, key = blocks[:, :, None], blocks[:, None, :]
    causal = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
    allowed = causal & ((key == 0) | (key == query))
    bias = torch.zeros(allowed.shape, dtype=dtype).masked_fill_(~allowed, torch.finfo(dtype).min)
    return bias[:, None]


def packed_attention(module, query, key, value, attention_mask, scaling, **_):
    """Attention function for packed rows, equal to dense masked attention but cheaper.

    The prefix never attends to the questions, so its part needs the prefix's keys only.
    query, key, value: (batch, heads, LENGTH, dim). attention_mask: from `attention_bias`.
    """
    prefix = _attend(
        query[:, :, :PREFIX],
        key[:, :, :PREFIX],
        value[:, :, :PREFIX],
        attention_mask[..., :PREFIX, :PREFIX],
        scaling,
    )
    questions = _attend(query[:, :, PREFIX:], key, value, attention_mask[..., PREFIX:, :], scaling)
    return torch.cat([prefix, questions], 2).transpose(1, 2), None


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, scaling: float) -> Tensor:
    return ((query * scaling) @ key.transpose(2, 3) + bias).softmax(-1) @ value


AttentionInterface.register("packed", packed_attention)
