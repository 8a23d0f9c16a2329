"""Rows of questions about one image, for a decoder with a subword tokenizer.

A question sees <bos>, the image and itself, with the position ids of a single prompt. A row
therefore trains exactly what single prompts would, at a fraction of the cost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prunescope.testbed.phrasings import phrase
from prunescope.testbed.questions import ASK, Question
from prunescope.testbed.scenes import Scene

TASKS = tuple(ASK)
# Relative frequencies of the tasks in a row.
MIX = {
    "locate": 0.52,
    "exists": 0.15,
    "count": 0.11,
    "color": 0.09,
    "shape": 0.08,
    "background": 0.03,
    "relation": 0.1,
}
QUESTION_TOKENS = 232
DRAWS = 60  # questions drawn for a row; more than fit
LOCATION_WEIGHT = 0.5  # of each of a box's four tokens; other answers weigh 1 in all
END_WEIGHT = 0.05  # the end of an answer is easy

Encode = Callable[[str], list[int]]


@dataclass
class QuestionRows:
    """One batch of rows; all tensors are (batch, QUESTION_TOKENS)."""

    tokens: Tensor
    offsets: Tensor  # position after the image
    blocks: Tensor  # 1, 2, ... for questions, -1 for padding
    weights: Tensor  # weight of predicting this token
    tasks: Tensor  # index into TASKS for tokens of answers, -1 elsewhere


def question_rows(
    scenes: Sequence[Scene], rng: np.random.Generator, encode: Encode, end: int
) -> QuestionRows:
    """Draw questions about each scene until its row is full. end: id that ends an answer."""
    rows = [_row(scene, rng, encode, end) for scene in scenes]
    return QuestionRows(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))


def prompt(question: str) -> str:
    """Text between the image and the answer, in training and in the tasks' protocol `smol`."""
    return f"\n{question}"


def answer_text(question: Question) -> str:
    """The answer as the model writes it: location tokens for a box, else a word."""
    if question.box is None:
        return f" {question.answer}"
    return "".join(f"<loc{int(number):02}>" for number in question.answer.split())


def _row(
    scene: Scene, rng: np.random.Generator, encode: Encode, end: int
) -> tuple[np.ndarray, ...]:
    """The fields of `QuestionRows` for one scene, each (QUESTION_TOKENS,)."""
    tokens = np.full(QUESTION_TOKENS, end, np.int64)
    offsets = np.zeros(QUESTION_TOKENS, np.int64)
    blocks, tasks = (np.full(QUESTION_TOKENS, -1, np.int64) for _ in range(2))
    weights = np.zeros(QUESTION_TOKENS, np.float32)
    start, block = 0, 0
    for task in _draw_tasks(rng):
        question = ASK[task](scene, rng)
        if question is None:
            continue
        question = phrase(question, rng)
        asked = encode(prompt(question.text))
        answer = encode(answer_text(question))
        first, last = start + len(asked), start + len(asked) + len(answer)
        if last >= QUESTION_TOKENS:
            break
        block += 1
        tokens[start : last + 1] = [*asked, *answer, end]
        offsets[start : last + 1] = np.arange(last + 1 - start)
        blocks[start : last + 1] = block
        weights[first:last] = LOCATION_WEIGHT if task == "locate" else 1 / len(answer)
        weights[last] = END_WEIGHT
        tasks[first:last] = TASKS.index(task)
        start = last + 1
    return tokens, offsets, blocks, weights, tasks


def _draw_tasks(rng: np.random.Generator) -> list[str]:
    shares = np.array(list(MIX.values()))
    return rng.choice(list(MIX), DRAWS, p=shares / shares.sum()).tolist()


def attention_bias(blocks: Tensor, prefix: int) -> Tensor:
    """Additive mask (batch, 1, length, length), length = prefix + tokens, in bfloat16.

    A token sees earlier ones of its question and of the prefix. blocks: (batch, tokens) as in
    `QuestionRows`. prefix: tokens of <bos> and the image.
    """
    whole = torch.cat([blocks.new_zeros(len(blocks), prefix), blocks], 1)
    query, key = whole[:, :, None], whole[:, None, :]
    size = whole.shape[1]
    causal = torch.ones(size, size, dtype=torch.bool).tril()
    allowed = causal & ((key == 0) | (key == query))
    bias = torch.zeros(allowed.shape, dtype=torch.bfloat16)
    return bias.masked_fill_(~allowed, torch.finfo(bias.dtype).min)[:, None]
