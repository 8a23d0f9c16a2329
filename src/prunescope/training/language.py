"""Stages 2 to 4: the language model on symbols, the projector, and both on images.

Stage 2 (`symbols`): the decoder learns to answer from ideal visual tokens. A patch is the sum of
    the embeddings of its `labels`. As in the text pre-training of an LLM, the decoder learns to
    look things up, from captions and questions, before it is given a tower.
Stage 3 (`align`): the projector maps the frozen tower's features to these ideal tokens.
Stage 4 (`images`): projector and decoder are trained on rendered images; the tower stays frozen.
No stage and no choice of data depends on an object's place in the image.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from prunescope.architectures.llama_2d import Llama2dConfig
from prunescope.testbed.questions import BINS
from prunescope.testbed.scenes import BACKGROUNDS, COLORS, SHAPES, SPLITS, Scene, make_scene
from prunescope.training.labels import LOCAL_SIZES, N_PAIRS, label
from prunescope.training.optimisation import Recipe, train
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
from prunescope.training.vision import WIDTH, features, pixels, stack
from prunescope.training.vocabulary import ID, WORDS

DEPTH = 12
INIT_STD = WIDTH**-0.5  # the default of 0.02 suits widths of thousands
LATE = 500  # step of stage 4 from which `LATE_MIX` is drawn
# Position encodings of the decoder. For "none", positions are divided by 10^12, so that RoPE turns
# nothing; the order of tokens then shows only in the causal mask.
POSITIONS = {
    "rope": (LlamaConfig, {"rope_type": "default"}),
    "rope-1m": (LlamaConfig, {"rope_type": "default", "rope_theta": 1e6}),  # as in Qwen2
    "rope-2d": (Llama2dConfig, {"rope_type": "default"}),
    "none": (LlamaConfig, {"rope_type": "linear", "factor": 1e12}),
}
COUNTS = {400: (1, 2), 800: (2, 4)}  # number of objects in stage 2, until that step
LATE_COUNTS = (3, 6)  # after these steps, and in later stages
BACKGROUND_WORDS = torch.tensor([ID[name] for name in BACKGROUNDS])
LABEL_WORDS = [[*COLORS], [*SHAPES], *[[str(number) for number in range(BINS)]] * 4]
# (labels, classes): id of the word for each class of each label; <pad> for the background
LOCAL_WORDS = torch.full((len(LOCAL_SIZES), max(LOCAL_SIZES)), ID["<pad>"])
for row, names in enumerate(LABEL_WORDS):
    LOCAL_WORDS[row, : len(names)] = torch.tensor([ID[name] for name in names])


def decoder_config(positions: str = "rope") -> LlamaConfig:
    """Configuration of a Llama of 12 layers; K = 1, 3, 6 stand for 3, 8, 16 of 32 layers.

    positions: a key of POSITIONS.
    """
    config, rotary = POSITIONS[positions]
    return config(
        rope_parameters={"rope_theta": 10_000.0, **rotary},
        vocab_size=len(WORDS),
        hidden_size=WIDTH,
        intermediate_size=320,
        num_hidden_layers=DEPTH,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        initializer_range=INIT_STD,
        bos_token_id=ID["<bos>"],
        eos_token_id=ID["<eos>"],
        pad_token_id=ID["<pad>"],
    )


class Symbols(nn.Module):
    """Ideal visual tokens: a patch is the sum of the words that describe it.

    Colour and shape are the decoder's own word embeddings. Coordinates and the background's colour
    go through linear maps, one for each role.
    """

    def __init__(self):
        super().__init__()
        self.roles = nn.ModuleList(nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(5))
        self.nothing = nn.Embedding(1, WIDTH)  # for a patch of the background
        self.pairs = nn.Linear(N_PAIRS, WIDTH, bias=False)
        for table in (*self.roles, self.pairs):
            nn.init.normal_(table.weight, std=INIT_STD)

    def forward(self, scenes: list[Scene], words: nn.Embedding) -> Tensor:
        """Visual tokens (batch, patches, WIDTH); words: the decoder's embeddings."""
        local, pairs, background = stack([label(scene) for scene in scenes])
        # Word of every label of every patch: (batch, patches, labels, WIDTH). Labels are colour,
        # shape, x1, y1, x2, y2; the first two are summed as they are, the rest by their roles.
        embedded = words(LOCAL_WORDS[torch.arange(len(LOCAL_SIZES)), local])
        named, bins = embedded[:, :, :2].sum(2), embedded[:, :, 2:].unbind(2)
        objects = named + sum(role(word) for role, word in zip(self.roles, bins, strict=False))
        is_background = (local[..., :1] == LOCAL_SIZES[0] - 1).float()
        nothing = self.nothing.weight[0].expand_as(objects)
        patches = torch.lerp(objects, nothing, is_background)
        background_color = self.roles[4](words(BACKGROUND_WORDS[background]))
        return patches + (self.pairs(pairs) + background_color)[:, None]


class Projector(nn.Module):
    """LLaVA's two-layer MLP, with the names of the stock `multi_modal_projector`."""

    def __init__(self):
        super().__init__()
        self.linear_1 = nn.Linear(WIDTH, WIDTH)
        self.linear_2 = nn.Linear(WIDTH, WIDTH)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.linear_2(F.gelu(self.linear_1(hidden)))


class Reader(nn.Module):
    """The decoder and the module that makes its visual tokens: `Symbols` or `Projector`."""

    def __init__(self, visual: nn.Module, positions: str = "rope"):
        super().__init__()
        self.visual = visual
        self.decoder = AutoModelForCausalLM.from_config(decoder_config(positions))
        self.decoder.set_attn_implementation("packed")
        initialise(self.decoder)


def initialise(decoder: LlamaForCausalLM) -> None:
    """Initialise words with unit variance, and layers so that they add nothing at first.

    Otherwise the untrained layers drown the words, and look-ups by content are learned late.
    """
    nn.init.normal_(decoder.model.embed_tokens.weight, std=1.0)
    for layer in decoder.model.layers:
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)


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

    return reader, train(reader, loss_at, recipe, _is_matrix, checkpoint)


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

    return projector, train(projector, loss_at, recipe, lambda name: True, checkpoint)


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

    return reader, train(reader, loss_at, recipe, _is_matrix, checkpoint)
