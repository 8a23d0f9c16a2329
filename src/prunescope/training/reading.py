"""A pretrained decoder learns to see: first from ideal tokens, then from a frozen tower.

Stage `ideal`: low-rank updates of the decoder, the vectors of `IdealTokens` and the vectors of the
    location tokens are trained together on questions.
Stage `projector`: LLaVA's projector maps the frozen tower's features to these ideal tokens.
Stage `reading`: tower and projector stay frozen; the updates and location tokens are trained on.
No stage and no choice of data depends on an object's place in the image.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerBase

from prunescope.testbed.questions import BINS
from prunescope.testbed.scenes import GRID, SPLITS, Scene, make_scene
from prunescope.training.ideal_tokens import IdealTokens, WordVectors
from prunescope.training.low_rank import add_updates
from prunescope.training.optimisation import Recipe, adamw, muon_and_adamw, train
from prunescope.training.patch_tower import WIDTH
from prunescope.training.question_rows import TASKS, QuestionRows, attention_bias, question_rows
from prunescope.training.reader import Projector
from prunescope.training.vision import features, pixels

LOCATIONS = tuple(f"<loc{number:02}>" for number in range(BINS))
IMAGE = "<image>"
# Number of objects in an image of stage `ideal`, until a step. With one object, no corner of its
# box has to be told from others': the decoder learns to read all four before it learns which.
COUNTS = {100: (1, 1), 160: (1, 2), 250: (2, 4)}
LATE_COUNTS = (3, 6)  # after these steps, and in later stages
CORNERS = ("x1", "y1", "x2", "y2")
GUESSED = 0.5  # share of the location tokens before a token that are drawn, not right
NOISE = 0.3  # spread of the location tokens at the start, in that of word embeddings


class Reader(nn.Module):
    """A frozen decoder with low-rank updates, new location tokens, and what makes visual tokens.

    tokenizer: knows IMAGE and LOCATIONS, whose ids follow the decoder's vocabulary.
    """

    def __init__(self, decoder: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, rank: int):
        super().__init__()
        add_updates(decoder, rank)
        decoder.set_attn_implementation("eager")  # faster here than sdpa with a mask
        self.decoder, self.tokenizer = decoder, tokenizer
        self.words = decoder.get_input_embeddings().weight
        vectors = WordVectors(self.words, self.encode)
        self.locations = nn.Parameter(first_locations(vectors))
        self.vectors = vectors

    @classmethod
    def of(cls, folder: Path | str, rank: int, seed: int = 0) -> "Reader":
        """The reader of the pretrained decoder in a folder, untrained."""
        torch.manual_seed(seed)
        decoder = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        tokenizer.add_tokens([IMAGE, *LOCATIONS])
        return cls(decoder, tokenizer, rank)

    def encode(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def embed(self, tokens: Tensor) -> Tensor:
        """Vectors of tokens; location tokens come after the vocabulary and IMAGE."""
        location = tokens - self.first_location
        known = self.words[tokens.clamp(max=len(self.words) - 1)]
        return torch.where((location >= 0)[..., None], self.locations[location.clamp(min=0)], known)

    @property
    def first_location(self) -> int:
        """Id of the first location token."""
        return len(self.words) + 1

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits over the vocabulary and the location tokens, which follow it without a gap."""
        return torch.cat([F.linear(hidden, self.words), F.linear(hidden, self.locations)], -1)


def first_locations(vectors: WordVectors) -> Tensor:
    """Location tokens at the start: the mean of their number's two digits, with noise."""
    digits = torch.stack(
        [vectors.embeddings[vectors.tokenize(f"{number:02}")].mean(0) for number in range(BINS)]
    )
    return digits + NOISE * vectors.spread * torch.randn(digits.shape)


def answer_loss(
    reader: Reader, visual: Tensor, rows: QuestionRows, seen: Tensor | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted cross-entropy of the answers, and the accuracy of answers' tokens by task.

    visual: (batch, patches, width), after <bos> and before the questions. seen: ids that stand for
    the rows' tokens before what is predicted, by default these themselves.
    """
    prefix = 1 + visual.shape[1]
    start = reader.words[reader.tokenizer.bos_token_id].expand(len(visual), 1, -1)
    before = reader.embed(rows.tokens if seen is None else seen)
    inputs = torch.cat([start, visual, before], 1)
    places = torch.arange(prefix).expand(len(visual), -1)
    hidden = reader.decoder.model(
        inputs_embeds=inputs,
        attention_mask=attention_bias(rows.blocks, prefix),
        position_ids=torch.cat([places, prefix + rows.offsets], 1),
        use_cache=False,
    ).last_hidden_state
    # A token is predicted from the one before it; only tokens of answers have a weight.
    predicted = rows.weights > 0
    logits = reader.logits(hidden[:, prefix - 1 : -1][predicted]).float()
    target, weight = rows.tokens[predicted], rows.weights[predicted]
    target = torch.where(target >= reader.first_location, target - 1, target)  # without IMAGE
    loss = (F.cross_entropy(logits, target, reduction="none") * weight).sum() / weight.sum()
    right = logits.argmax(-1) == target
    return loss, _accuracies(right, rows.tasks[predicted]) | _boxes(logits, target, rows, predicted)


def with_wrong_corners(tokens: Tensor, first_location: int) -> Tensor:
    """Tokens as the decoder sees them: some location tokens are replaced by any of them.

    Otherwise it would guess the last corner of a box from the first one and the usual size, and
    never learn to read it. tokens: (batch, length) ids.
    """
    random = torch.Generator().manual_seed(int(tokens.sum()))
    drawn = torch.randint(BINS, tokens.shape, generator=random) + first_location
    wrong = (tokens >= first_location) & (torch.rand(tokens.shape, generator=random) < GUESSED)
    return torch.where(wrong, drawn, tokens)


def _accuracies(right: Tensor, tasks: Tensor) -> dict[str, Tensor]:
    return {name: right[tasks == i].float().mean() for i, name in enumerate(TASKS)}


def _boxes(logits: Tensor, target: Tensor, rows: QuestionRows, predicted: Tensor) -> dict:
    """Share of boxes whose IoU with the true box is at least 0.5, and of right corners, each given
    the true corners before."""
    boxes = rows.tasks[predicted] == TASKS.index("locate")
    corners = [ids[boxes].view(-1, 4).float() for ids in (logits.argmax(-1), target)]
    low = torch.maximum(*(box[:, :2] for box in corners))
    high = torch.minimum(*(box[:, 2:] for box in corners)) + 1
    shared = (high - low).clamp(min=0).prod(1)
    areas = [(box[:, 2:] + 1 - box[:, :2]).clamp(min=0).prod(1) for box in corners]
    right = (corners[0] == corners[1]).float().mean(0)
    hits = (shared >= 0.5 * (sum(areas) - shared)).float().mean()
    return {"boxes": hits} | dict(zip(CORNERS, right, strict=True))


def ideal_stage(reader: Reader) -> nn.ModuleDict:
    """What stage `ideal` trains: `tokens` on the coarse grid, and the `reader` of them."""
    return nn.ModuleDict(
        {"tokens": IdealTokens(GRID, reader.vectors, reader.locations), "reader": reader}
    )


def train_ideal(reader: Reader, recipe: Recipe, checkpoint: Path) -> tuple[nn.ModuleDict, dict]:
    """Stage `ideal`: few objects first, then many."""
    torch.manual_seed(recipe.seed)
    stage = ideal_stage(reader)

    loss_at = partial(_loss, reader, stage["tokens"], recipe, few=COUNTS)
    return stage, train(stage, loss_at, recipe, adamw(stage, recipe, _is_update), checkpoint)


def train_reading(reader: Reader, sight: "Sight", recipe: Recipe, checkpoint: Path) -> dict:
    """Stage `reading`: images, seen by the frozen tower and projector."""
    torch.manual_seed(recipe.seed)
    loss_at = partial(_loss, reader, sight, recipe, few={})
    return train(reader, loss_at, recipe, adamw(reader, recipe, _is_update), checkpoint)


def _loss(reader, see, recipe: Recipe, step: int, few: Mapping[int, tuple[int, int]]):
    counts = next((count for until, count in few.items() if step < until), LATE_COUNTS)
    scenes = _scenes(recipe, step, counts)
    rng = np.random.default_rng((recipe.seed, step))
    rows = question_rows(scenes, rng, reader.encode, reader.tokenizer.eos_token_id)
    with torch.autocast("cpu", torch.bfloat16):
        seen = with_wrong_corners(rows.tokens, reader.first_location)
        return answer_loss(reader, see(scenes), rows, seen)


def _scenes(recipe: Recipe, step: int, counts: tuple[int, int]) -> list[Scene]:
    """The scenes of one training step, which no other step and no other seed uses."""
    first = SPLITS["train"][recipe.seed * 10**8] + step * recipe.batch
    return [make_scene(seed, counts) for seed in range(first, first + recipe.batch)]


def _is_update(name: str) -> bool:
    return name.endswith((".up", ".down"))


def projector_of(reader: Reader) -> Projector:
    """An untrained projector to the width of a reader's decoder."""
    return Projector(WIDTH, reader.words.shape[1])


class Sight(nn.Module):
    """Visual tokens (batch, patches, width) of rendered scenes, by a frozen tower and projector."""

    def __init__(self, tower: nn.Module, projector: Projector):
        super().__init__()
        self.tower, self.projector = tower, projector

    @torch.no_grad()
    def forward(self, scenes: list[Scene]) -> Tensor:
        return self.projector(features(self.tower, pixels(scenes)))


def train_projector(
    tower: nn.Module, tokens: IdealTokens, recipe: Recipe, checkpoint: Path
) -> tuple[Projector, dict]:
    """Stage `projector`: regression of the ideal tokens; the loss is relative to their variance."""
    torch.manual_seed(recipe.seed)
    projector = Projector(WIDTH, tokens.rows.shape[1])

    def loss_at(step: int):
        scenes = _scenes(recipe, step, LATE_COUNTS)
        with torch.no_grad():
            targets = tokens(scenes).float()
            with torch.autocast("cpu", torch.bfloat16):
                inputs = features(tower, pixels(scenes))
        return F.mse_loss(projector(inputs.float()), targets) / targets.var(), {}

    steppers = muon_and_adamw(projector, recipe, lambda name: True)
    return projector, train(projector, loss_at, recipe, steppers, checkpoint)
