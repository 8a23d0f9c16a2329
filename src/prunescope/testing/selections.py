"""That what criteria see is right, and of an example the same in every batch."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import BoolTensor, LongTensor, Tensor, nn

from prunescope.criteria import Criterion, Selection
from prunescope.methods import Method, Stage
from prunescope.pruning import prune
from prunescope.testing.trial import Inputs, Trial, prefill

TOLERANCE = 1e-6  # of sines and cosines
BATCHED = 1e-4  # of hidden states in a batch and alone, relative to the largest


@dataclass(frozen=True)
class _Eye(Criterion):
    """Keeps the selection that it gets."""

    name: ClassVar[str] = "eye"

    wants: frozenset[str]
    seen: list[Selection] = field(default_factory=list, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return self.wants

    def score(self, selection: Selection) -> Tensor:
        self.seen.append(selection)
        return selection.present.float()


def look(
    model: nn.Module, inputs: Inputs, layer: int, *needs: str, before: tuple[Stage, ...] = ()
) -> Selection:
    """What a criterion with these needs sees in a stage at a layer, after the stages `before`."""
    eye = _Eye(frozenset(needs))
    with prune(model, Method([*before, Stage(layer, eye, keep=1)], "look")):
        prefill(model, inputs)
    return eye.seen[0]


def check_rotary_is_that_of_the_model(trial: Trial) -> None:
    """`rotary` of the family makes what the model hands to each layer."""
    for layer in range(trial.depth):
        seen = look(trial.model, trial.inputs, layer, "own")
        axes = len(seen.positions)
        assert axes == len(trial.family.axes), f"positions have {axes} axes"
        made = trial.family.rotary(trial.decoder, layer, seen.hidden, seen.positions)
        for ours, given in zip(made, seen.projected.rotary, strict=True):
            gap = (ours - given)[seen.valid].abs().max().item()
            assert gap <= TOLERANCE, f"layer {layer}: rotary embeddings differ by {gap:.1e}"


def check_places_follow_the_raster(trial: Trial) -> None:
    """The tokens of each view come row by row, views follow each other, and all are counted."""
    seen = look(trial.model, trial.inputs, 1)
    for row, grids in enumerate(trial.layout.grids):
        present = seen.present[row]
        expected = torch.cat([_raster(number, *grid) for number, grid in enumerate(grids)])
        parts = seen.view[row, :, None], seen.place[row], seen.shape[row]
        found = torch.cat(parts, dim=1)[present].cpu()
        assert torch.equal(found, expected), f"example {row}: places {found.tolist()}"
        raster = seen.raster[row, present].tolist()
        assert raster == list(range(len(expected))), f"example {row}: raster indices {raster}"


def _raster(number: int, rows: int, columns: int) -> LongTensor:
    """(n, 5) view, row, column, rows, columns of the tokens of a view."""
    places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).view(-1, 2)
    shape = torch.tensor([rows, columns]).expand_as(places)
    return torch.cat([torch.full_like(places[:, :1], number), places, shape], dim=1)


def check_features_are_those_of_the_tokens(trial: Trial) -> None:
    """The features of a visual token are what its embedding is made of."""
    projector = trial.family.projector(trial.model)
    for row, single in enumerate(trial.singles if projector is not None else ()):
        seen, embedded = _projected(trial, projector, single)
        features = trial.family.features(trial.model, seen, single)
        shapes = tuple(features.shape), tuple(embedded.shape)
        assert len(features) == len(embedded), f"example {row}: features, tokens: {shapes}"
        foreign = _sources(features, seen) & ~_sources(embedded, seen)
        tokens = foreign.flatten(1).any(1).nonzero()[:, 0].tolist()
        assert not tokens, f"example {row}: features of tokens {tokens} are those of others"


def _projected(trial: Trial, projector: nn.Module, inputs: Inputs) -> tuple[Tensor, Tensor]:
    """What the projector sees, and the embeddings (n, dim) of the visual tokens of one prompt."""
    seen, embedded = [], []

    def begin(module: nn.Module, args: tuple) -> tuple:
        seen.append(args[0].detach().requires_grad_())
        return (seen[0], *args[1:])

    def end(module: nn.Module, args: tuple, kwargs: dict) -> None:
        embedded.append(kwargs["inputs_embeds"])

    with (
        projector.register_forward_pre_hook(begin),
        trial.decoder.register_forward_pre_hook(end, with_kwargs=True),
    ):
        trial.model(**inputs)
    return seen[0], embedded[0][trial.family.layout(trial.model, inputs).visual]


def _sources(rows: Tensor, of: Tensor) -> BoolTensor:
    """(n, *shape of `of`) which numbers of a tensor each row (n, dim) depends on."""
    weights = torch.rand(rows.shape[1], generator=torch.Generator().manual_seed(0))
    each = torch.eye(len(rows), device=rows.device, dtype=rows.dtype)
    outputs = rows @ weights.to(rows)
    [slopes] = torch.autograd.grad(outputs, of, each, retain_graph=True, is_grads_batched=True)
    return slopes != 0


def check_received_is_the_attention_of_the_tower(trial: Trial) -> None:
    """What visual tokens get in the vision tower is what its eager attention gives their patches:
    from the class token, or from all patches if there is none."""
    if trial.family.tower(trial.model) is None:
        return
    maps, patches = [], []
    attention = trial.family.tower(trial.eager)
    projector = trial.family.projector(trial.eager)
    with (
        attention.register_forward_hook(lambda module, args, output: maps.append(output[1])),
        projector.register_forward_pre_hook(lambda module, args: patches.append(args[0].shape[-2])),
        torch.inference_mode(),
    ):
        trial.eager(**trial.inputs)
    first = maps[0].shape[-1] - patches[0]  # 1 with a class token
    received = maps[0][:, :, 0] if first else maps[0].mean(2)
    patchwise = received.mean(1)[:, first:, None]
    tokens = trial.family.features(trial.model, patchwise, trial.inputs)[:, 0].split(
        [rows * columns for grids in trial.layout.grids for rows, columns in grids]
    )
    for layer in range(2):
        seen = look(trial.model, trial.inputs, layer, "received")
        for row, views in enumerate(trial.layout.views):
            expected = torch.cat([tokens[each] for each in views])
            gap = (seen.received[row, seen.present[row]] - expected).abs().max().item()
            assert gap <= TOLERANCE, f"example {row}: attention of the tower differs by {gap:.1e}"


def check_selections_do_not_depend_on_the_batch(trial: Trial) -> None:
    """Of an example, criteria see the same in a batch and alone."""
    needs = ["content"] + ["features"] * (trial.family.projector(trial.model) is not None)
    needs += ["received"] * (trial.family.tower(trial.model) is not None)
    batch = look(trial.model, trial.inputs, 1, *needs)
    for row, single in enumerate(trial.singles):
        together, alone = _shown(batch, row), _shown(look(trial.model, single, 1, *needs), 0)
        for name, ours in together.items():
            theirs = alone[name]
            shapes = tuple(ours.shape), tuple(theirs.shape)
            assert shapes[0] == shapes[1], f"example {row}: {name} of shapes {shapes}"
            gap = (ours.double() - theirs).abs().max().item()
            bound = BATCHED * theirs.abs().max().item() if theirs.is_floating_point() else 0
            assert gap <= bound, f"example {row}: {name} differs by {gap:.1e} in a batch"


def _shown(selection: Selection, row: int) -> dict[str, Tensor]:
    """What a selection holds of an example, without padding."""
    present, valid = selection.present[row], selection.valid[row]
    names = ["raster", "place", "shape", "view"]
    names += [name for name in ("features", "received") if getattr(selection, name) is not None]
    return {
        "hidden": selection.hidden[row, valid],
        "positions": selection.positions[:, row, valid],
        "visual": selection.visual[row, present] - valid.byte().argmax(),
        "content": torch.tensor(list(selection.content[row])),
        **{name: getattr(selection, name)[row, present] for name in names},
    }
