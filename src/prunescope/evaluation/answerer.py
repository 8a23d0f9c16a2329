"""A loaded model answers the questions of a task, with every method."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase, ProcessorMixin

from prunescope.criteria.base import head_dim
from prunescope.errors import InputError
from prunescope.evaluation import side_information
from prunescope.evaluation.joint_decoding import Branch, can_join, greedy_together
from prunescope.evaluation.shared_prefixes import Tree
from prunescope.methods import Method
from prunescope.metrics import Choice
from prunescope.models import family_of
from prunescope.pruning import Trace
from prunescope.tasks import prompts
from prunescope.tasks.card import Task

if TYPE_CHECKING:
    from datasets import Dataset


TOGETHER = 8  # methods whose answers are decoded as one batch; their KV caches are held at once


class Answerer:
    """Answers batches of a task. name: how records call the model."""

    def __init__(self, name: str, task: Task, model: nn.Module, processor: ProcessorMixin):
        self.name, self.task = name, task
        self.model, self.processor = model, processor
        self.depth = len(family_of(model).decoder(model).layers)
        self.hints = side_information.Hints()
        self.chooses = isinstance(task.metric, Choice)
        self.first_token = cache(partial(first_token, processor.tokenizer))
        # on a CPU, padding the caches costs what one batch gains (benchmarks/evaluation.py)
        self.joins = not self.chooses and model.device.type != "cpu" and can_join(model)

    @torch.inference_mode()
    def run(
        self, batch: "Dataset", methods: Sequence[Method]
    ) -> Iterator[tuple[Method, list[dict[str, Any]]]]:
        """The records of a batch, method by method."""
        inputs = prompts.prompts(batch, self.task, self.processor).to(
            self.model.device, self.model.dtype
        )
        examples = batch.remove_columns("image").to_list()
        for example, size in zip(
            examples, prompts.sizes(batch, inputs, self.processor), strict=True
        ):
            example["size"] = size
        tree = Tree(self.model, methods)
        size = TOGETHER if self.joins else 1
        for start in range(0, len(tree.methods), size):
            group = tree.methods[start : start + size]
            branches = [self._branch(tree, each, inputs, batch) for each in group]
            answers = self._answers(inputs, examples, branches)
            traces = [each.trace for each in branches]
            del branches  # and the caches, before the next are filled
            for method, trace, said in zip(group, traces, answers, strict=True):
                yield method, self._records(examples, method, trace, said)

    def _branch(
        self, tree: Tree, method: Method, inputs: Mapping[str, Any], batch: "Dataset"
    ) -> Branch:
        limit = 1 if self.joins or self.chooses else self.task.max_new_tokens
        with tree.prune(method, **self.hints.of(method, batch)) as trace:
            return Branch(self.model, inputs, trace, limit)

    def _answers(
        self,
        inputs: Mapping[str, Any],
        examples: list[dict[str, Any]],
        branches: Sequence[Branch],
    ) -> list[list[str]]:
        """By branch what the model says to each example, or which of its options it begins with."""
        if self.chooses:
            options = [self.task.metric.choices(each) for each in examples]
            ends = inputs["input_ids"][:, -1].tolist()
            return [
                choose(each.logits.float(), options, ends, self.first_token) for each in branches
            ]
        tokens = [each.tokens for each in branches]
        if self.joins:
            tokens = greedy_together(self.model, inputs, branches, self.task.max_new_tokens)
        return [self.processor.batch_decode(each, skip_special_tokens=True) for each in tokens]

    def _records(
        self, examples: list[dict[str, Any]], method: Method, trace: Trace, answers: list[str]
    ) -> list[dict[str, Any]]:
        full = [int(each) for each in (trace.segments[0].raster >= 0).sum(1)]
        stages = [[tokens.tolist() for tokens in stage] for stage in trace.kept]
        kv_bytes = token_bytes(self.model) * np.sum(trace.kv_lengths, axis=0)
        labels = {"model": self.name, "task": self.task.name, "method": method.name}
        records = []
        for row, (example, answer) in enumerate(zip(examples, answers, strict=True)):
            kept = [stage[row] for stage in stages]
            counts = [len(each) for each in kept]
            cost = {
                "mean_tokens": method.mean_tokens(counts, full[row], self.depth),
                "kv_bytes": int(kv_bytes[row]),
                "stage_layers": method.layers(self.depth),
                "kept": kept,
            }
            records.append(labels | _judged(self.task, example, answer.strip()) | cost)
        return records


def token_bytes(model: nn.Module) -> int:
    """Size of one token in the KV cache of one layer: a key and a value."""
    config = family_of(model).decoder(model).config
    return 2 * config.num_key_value_heads * head_dim(config) * model.dtype.itemsize


def choose(
    logits: Tensor,
    options: Sequence[Sequence[str]],
    ends: Sequence[int],
    first_of: Callable[[int, str], int | None],
) -> list[str]:
    """The option of each row whose first token has the largest logit. InputError where two
    options of a row begin with the same token, or one has none.

    logits: (b, vocabulary); ends: last token of each prompt; first_of: `first_token` of a
    tokenizer. Ties go to the option that is named first.
    """
    chosen = []
    for row, words, end in zip(logits, options, ends, strict=True):
        found = [first_of(end, word) for word in words]
        tokens = [token for token in found if token is not None]
        if len(set(tokens)) < len(words):
            raise InputError(f"options {list(words)}: to this tokenizer they begin alike: {tokens}")
        chosen.append(words[int(row[tokens].argmax())])
    return chosen


def first_token(tokenizer: PreTrainedTokenizerBase, end: int, word: str) -> int | None:
    """What a word begins with where a text goes on with it after the token `end`: after a space,
    unless that token ends in white space. Byte-level tokenizers have a token for either."""
    encode = partial(tokenizer.encode, add_special_tokens=False)
    before = tokenizer.decode([end])
    # Of white space, a new line, since no tokenizer joins that with a word.
    start, space = (before, " ") if before[-1:].strip() else ("\n", "")
    begun, whole = encode(start), encode(start + space + word)
    rest = whole[len(begun) :] if whole[: len(begun)] == begun else encode(word)
    return rest[0] if rest else None


def _judged(task: Task, example: Mapping[str, Any], answer: str) -> dict[str, Any]:
    verdict = task.metric.judge(answer, example)
    return {
        "example": example["id"],
        "image": example["image_id"],
        "kind": example["kind"],
        "prediction": answer,
        "target": example["answer"],
        "target_box": example["box"],
        **verdict._asdict(),
    }
