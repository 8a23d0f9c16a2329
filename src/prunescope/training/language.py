"""Stages 2 to 4: the language model on symbols, the projector, and both on images.

Stage 2 (`symbols`): the decoder learns to answer from ideal visual tokens. A patch is the sum of
    the embeddings of its `labels`. As in the text pre-training of an LLM, the decoder learns to
    look things up, from captions and questions, before it is given a tower.
Stage 3 (`projector`): the projector maps the frozen tower's features to these ideal tokens.
Stage 4 (`images`): projector and decoder are trained on rendered images; the tower stays frozen.
No stage and no choice of data depends on an object's place in the image.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaForCausalLM, PreTrainedModel

from prunescope.testbed.scenes import SPLITS, Scene, make_scene
from prunescope.training.optimisation import Recipe, muon_and_adamw, train
from prunescope.training.packing import (
    IMAGES_MIX,
    LATE_MIX,
    PREFIX,
    SYMBOLS_MIX,
    TASKS,
    Packed,
    attention_bias,
    pack,
)
from prunescope.training.reader import Projector, Reader, Symbols
from prunescope.training.vision import features, pixels
from prunescope.training.vocabulary import ID

COUNTS = {400: (1, 2), 800: (2, 4)}  # number of objects in stage 2, until that step
LATE_COUNTS = (3, 6)  # after these steps, and in later stages
LATE = 500  # step of stage 4 from which `LATE_MIX` is drawn


def answer_loss(
    decoder: LlamaForCausalLM, visual: Tensor, packed: Packed
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted cross-entropy of the answers, and the accuracy of their tokens by task.

    visual: tokens (batch, patches, WIDTH) that replace <image>.
    """
    words = decoder.model.embed_tokens(packed.tokens)
    inputs = torch.cat([words[:, :1], visual.to(words.dtype), words[:, PREFIX:]], 1)
    hidden = decoder.model(
        inputs_embeds=inputs,
        attention_mask=attention_bias(packed.blocks, torch.bfloat16),
        position_ids=packed.positions,
        use_cache=False,
    ).last_hidden_state
    # A token is predicted from the one before it; only tokens of answers have a weight.
    weights = packed.weights[:, 1:]
    predicted = weights > 0
    logits = decoder.lm_head(hidden[:, :-1][predicted]).float()
    target, weight = packed.tokens[:, 1:][predicted], weights[predicted]
    task = packed.tasks[:, 1:][predicted]
    loss = (F.cross_entropy(logits, target, reduction="none") * weight).sum() / weight.sum()
    return loss, _accuracies(logits.argmax(-1) == target, task, target)


def _accuracies(right: Tensor, task: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Share of right tokens by task, without <eos>; `first` is the first coordinate of a box."""
    counted = target != ID["<eos>"]
    named = {name: right[counted & (task == i)] for i, name in enumerate(TASKS)}
    boxes = named["locate"]
    named["first"] = boxes[: len(boxes) // 4 * 4].view(-1, 4)[:, 0]
    return {name: hits.float().mean() for name, hits in named.items()}


def _scenes(recipe: Recipe, step: int, counts: tuple[int, int] = LATE_COUNTS) -> list[Scene]:
    """The scenes of one training step, which no other step and no other seed uses."""
    first = SPLITS["train"][recipe.seed * 10**8] + step * recipe.batch
    return [make_scene(seed, counts) for seed in range(first, first + recipe.batch)]


def _is_matrix(name: str) -> bool:
    return "layers" in name


def train_symbols(recipe: Recipe, checkpoint: Path, positions: str = "rope") -> tuple[Reader, dict]:
    """Stage 2: the decoder learns to answer about few objects, then about many.

    positions: a key of POSITIONS.
    """
    torch.manual_seed(recipe.seed)
    reader = Reader(Symbols(), positions)

    def loss_at(step: int):
        counts = next((few for until, few in COUNTS.items() if step < until), LATE_COUNTS)
        scenes = _scenes(recipe, step, counts)
        packed = pack(scenes, np.random.default_rng((recipe.seed, step)), SYMBOLS_MIX)
        with torch.autocast("cpu", torch.bfloat16):
            return answer_loss(
                reader.decoder, reader.visual(scenes, reader.decoder.model.embed_tokens), packed
            )

    return reader, train(
        reader, loss_at, recipe, muon_and_adamw(reader, recipe, _is_matrix), checkpoint
    )


def train_projector(
    tower: PreTrainedModel, reader: Reader, recipe: Recipe, checkpoint: Path
) -> tuple[Projector, dict]:
    """Stage 3: regression of the ideal visual tokens; the loss is relative to their variance."""
    torch.manual_seed(recipe.seed)
    projector = Projector()

    def loss_at(step: int):
        scenes = _scenes(recipe, step)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            inputs = features(tower, pixels(scenes))
            targets = reader.visual(scenes, reader.decoder.model.embed_tokens).float()
        loss = F.mse_loss(projector(inputs.float()), targets) / targets.var()
        return loss, {}

    return projector, train(
        projector, loss_at, recipe, muon_and_adamw(projector, recipe, lambda name: True), checkpoint
    )


def train_images(
    tower: PreTrainedModel, reader: Reader, recipe: Recipe, checkpoint: Path
) -> tuple[Reader, dict]:
    """Stage 4: training on images. reader: stage 3's projector and stage 2's decoder."""
    torch.manual_seed(recipe.seed)
    reader.requires_grad_(True).train()

    def loss_at(step: int):
        scenes = _scenes(recipe, step)
        mix = IMAGES_MIX if step < LATE else LATE_MIX
        packed = pack(scenes, np.random.default_rng((recipe.seed, step)), mix)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                inputs = features(tower, pixels(scenes))
            return answer_loss(reader.decoder, reader.visual(inputs), packed)

    return reader, train(
        reader, loss_at, recipe, muon_and_adamw(reader, recipe, _is_matrix), checkpoint
    )
