"""A loaded model answers the questions of a task, with every method."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from prunescope.checkpoints.loaded import Loaded
from prunescope.criteria.base import head_dim
from prunescope.evaluation.first_tokens import choose, first_token
from prunescope.evaluation.joint_decoding import Branch, can_join, greedy_together
from prunescope.evaluation.shared_prefixes import Tree
from prunescope.evaluation.side_information import SideInformation
from prunescope.methods import Method
from prunescope.metrics import Choice
from prunescope.pruning import Trace
from prunescope.tasks import prompts
from prunescope.tasks.card import Task

if TYPE_CHECKING:
    from datasets import Dataset

TOGETHER = 8  # methods whose answers are decoded as one batch; their KV caches are held at once


class Answerer:
    """Answers batches of a task. name: how records call the model."""

    def __init__(self, name: str, task: Task, loaded: Loaded):
        self.name, self.task, self.loaded = name, task, loaded
        self.side = SideInformation()
        self.chooses = isinstance(task.metric, Choice)
        self.first_token = cache(partial(first_token, loaded.processor.tokenizer))
        # On a CPU, padding the caches costs what the larger batch gains
        # (benchmarks/evaluation.py).
        self.joins = not self.chooses and loaded.device.type != "cpu" and can_join(loaded)

    @torch.inference_mode()
    def run(
        self, batch: "Dataset", methods: Sequence[Method]
    ) -> Iterator[tuple[Method, list[dict[str, Any]]]]:
        """Yield each method with its records of the batch."""
        model, processor = self.loaded.model, self.loaded.processor
        inputs = prompts.prompts(batch, self.task, processor).to(model.device, model.dtype)
        sizes = prompts.sizes(batch, inputs, processor)
        rows = batch.remove_columns("image").to_list()
        examples = [row | {"size": size} for row, size in zip(rows, sizes, strict=True)]
        tree = Tree(self.loaded, methods)
        count = TOGETHER if self.joins else 1
        for start in range(0, len(tree.methods), count):
            group = tree.methods[start : start + count]
            branches = [self._branch(tree, method, inputs, batch) for method in group]
            answers = self._answers(inputs, examples, branches)
            traces = [branch.trace for branch in branches]
            del branches  # frees the caches before the next ones are filled
            for method, trace, texts in zip(group, traces, answers, strict=True):
                yield method, self._records(examples, method, trace, texts)

    def _branch(
        self, tree: Tree, method: Method, inputs: Mapping[str, Any], batch: "Dataset"
    ) -> Branch:
        limit = 1 if self.joins or self.chooses else self.task.max_new_tokens
        with tree.prune(method, **self.side.of(method, batch)) as trace:
            return Branch(self.loaded.model, inputs, trace, limit)

    def _answers(
        self,
        inputs: Mapping[str, Any],
        examples: list[dict[str, Any]],
        branches: Sequence[Branch],
    ) -> list[list[str]]:
        """The answers of each branch: for a multiple choice the chosen option, else the text."""
        if self.chooses:
            options = [self.task.metric.choices(example) for example in examples]
            ends = inputs["input_ids"][:, -1].tolist()
            logits = [branch.logits.float() for branch in branches]
            return [choose(rows, options, ends, self.first_token) for rows in logits]
        tokens = [branch.tokens for branch in branches]
        if self.joins:
            tokens = greedy_together(self.loaded, inputs, branches, self.task.max_new_tokens)
        decode = partial(self.loaded.processor.batch_decode, skip_special_tokens=True)
        return [decode(rows) for rows in tokens]

    def _records(
        self, examples: list[dict[str, Any]], method: Method, trace: Trace, answers: list[str]
    ) -> list[dict[str, Any]]:
        depth = self.loaded.depth
        totals = (trace.segments[0].raster >= 0).sum(1).tolist()
        stages = [[indices.tolist() for indices in stage] for stage in trace.kept]
        kv_bytes = token_bytes(self.loaded) * np.sum(trace.kv_lengths, axis=0)
        labels = {"model": self.name, "task": self.task.name, "method": method.name}
        records = []
        for row, (example, answer) in enumerate(zip(examples, answers, strict=True)):
            kept = [stage[row] for stage in stages]
            counts = [len(indices) for indices in kept]
            cost = {
                "mean_tokens": method.mean_tokens(counts, totals[row], depth),
                "kv_bytes": int(kv_bytes[row]),
                "stage_layers": method.layers(depth),
                "kept": kept,
            }
            records.append(labels | _judged(self.task, example, answer.strip()) | cost)
        return records


def token_bytes(loaded: Loaded) -> int:
    """Size of one token in the KV cache of one layer: a key and a value."""
    config = loaded.decoder.config
    return 2 * config.num_key_value_heads * head_dim(config) * loaded.model.dtype.itemsize


def _judged(task: Task, example: Mapping[str, Any], answer: str) -> dict[str, Any]:
    """Columns of a record that say what was asked and whether the answer is right."""
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
