"""One question about one image, answered with several pruning methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers.utils import logging

from prunescope.checkpoints.loaded import Loaded
from prunescope.cli.console import print_table
from prunescope.methods import Method
from prunescope.pruning import prune
from prunescope.tasks.encoding import encode

logging.disable_progress_bar()  # the one that shows how weights load


@dataclass(frozen=True)
class Answer:
    """An answer of a model pruned by a method, and the visual tokens that stayed."""

    method: str
    text: str
    total: int  # visual tokens of the prompt
    layers: list[int]  # decoder layer of each stage
    kept: list[np.ndarray]  # for each stage: raster indices, counted over all views
    share: float  # T/N, the mean share of the visual tokens over the decoder layers

    def passed(self) -> np.ndarray:
        """(total,) the fraction of the stages that each visual token passes."""
        stages = np.zeros(self.total)
        for indices in self.kept:
            stages[indices] += 1
        return stages / len(self.kept) if self.kept else np.ones(self.total)

    def tokens(self) -> str:
        """The tokens that are left, stage by stage."""
        stages = zip(self.kept, self.layers, strict=True)
        counts = [f"{len(kept)} from layer {layer}" for kept, layer in stages]
        return ", ".join(counts) or f"all {self.total}"


@dataclass(frozen=True)
class Question:
    """A question about one image to a model. inputs: keyword arguments of the model's forward."""

    loaded: Loaded
    image: Image.Image
    inputs: Mapping[str, Any]

    @classmethod
    def of(cls, loaded: Loaded, image: Image.Image, text: str) -> "Question":
        """Encode a question.

        text: the user's message if the model has a chat template, otherwise the input text itself;
        the image comes first unless the text says where it is.
        """
        model, processor = loaded.model, loaded.processor
        chat = bool(getattr(processor, "chat_template", None))
        mark = getattr(processor, "image_token", "<image>")
        if not chat and mark not in text:
            text = f"{mark} {text}"
        inputs = encode([image], [text], processor, chat)
        return cls(loaded, image, inputs.to(model.device, model.dtype))

    @torch.inference_mode()
    def answer(self, method: Method, max_new_tokens: int) -> Answer:
        """The greedy answer with a method. InputError if the method does not fit the model."""
        with prune(self.loaded.model, method) as trace:
            output = self.loaded.model.generate(
                **self.inputs, max_new_tokens=max_new_tokens, do_sample=False
            )
        generated = output[:, self.inputs["input_ids"].shape[1] :]
        [text] = self.loaded.processor.batch_decode(generated, skip_special_tokens=True)
        total = int((trace.segments[0].raster >= 0).sum())
        kept = [stage[0].numpy() for stage in trace.kept]
        share = method.mean_share([len(indices) for indices in kept], total, trace.depth)
        return Answer(method.name, text.strip(), total, trace.layers, kept, share)

    def views(self) -> list[tuple[Image.Image, tuple[int, int]]]:
        """Pictures of the views of the image, each with its grid of (rows, columns) tokens."""
        family, model = self.loaded.family, self.loaded.model
        grids = family.layout(model, self.inputs).grids[0]
        pixels = family.pixels(model, self.inputs) or [None] * len(grids)
        return [(self._picture(view), grid) for view, grid in zip(pixels, grids, strict=True)]

    def _picture(self, pixels: Tensor | None) -> Image.Image:
        """The picture of a view; the whole image if the processor splits views into tiles or
        patches."""
        if pixels is None or pixels.ndim < 3 or pixels.squeeze(0).ndim != 3:
            return self.image
        processor = self.loaded.processor.image_processor
        mean, deviation = (
            torch.tensor(getattr(processor, name, None) or [0.5] * 3)[:, None, None]
            for name in ("image_mean", "image_std")
        )
        # (3, height, width), normalised -> (height, width, 3) in 0 to 255
        colours = pixels.squeeze(0).float().cpu() * deviation + mean
        colours = (colours.clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
        return Image.fromarray(colours.numpy())


def print_answers(answers: Sequence[Answer], outcomes: Sequence[str] = ()) -> None:
    """Print the answers as a table. outcomes: whether each is right, where that is known."""
    columns = ["method", "answer", *(["outcome"] if outcomes else []), "visual tokens", "T/N"]
    rows = [
        [answer.method, answer.text, *outcome, answer.tokens(), f"{answer.share:.0%}"]
        for answer, *outcome in zip(answers, *([outcomes] if outcomes else []), strict=True)
    ]
    print_table(columns, rows, numbers=("T/N",))
