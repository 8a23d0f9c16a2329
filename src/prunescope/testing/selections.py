"""Checks that selections are right, and do not depend on the batch."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import BoolTensor, LongTensor, Tensor, nn

from prunescope.criteria import Criterion, Selection
from prunescope.methods import Method, Stage
from prunescope.pruning import prune
from prunescope.testing.trial import Inputs, Trial, prefill

TOLERANCE = 1e-6  # between sines and cosines
BATCHED = 1e-4  # between hidden states in a batch and alone, relative to the largest


@dataclass(frozen=True)
class _SelectionRecorder(Criterion):
    """A criterion that records the selections that it is given."""

    name: ClassVar[str] = "recorder"

    recorded_needs: frozenset[str]
    selections: list[Selection] = field(default_factory=list, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return self.recorded_needs

    def score(self, selection: Selection) -> Tensor:
        self.selections.append(selection)
        return selection.present.float()


def look(
    model: nn.Module, inputs: Inputs, layer: int, *needs: str, before: tuple[Stage, ...] = ()
) -> Selection:
    """The selection that a criterion with these needs is given before a layer, after the stages
    `before`."""
    recorder = _SelectionRecorder(frozenset(needs))
    with prune(model, Method([*before, Stage(layer, recorder, keep=1)], "look")):
        prefill(model, inputs)
    return recorder.selections[0]


def check_rotary_is_that_of_the_model(trial: Trial) -> None:
    """Check that the family's `rotary` equals what the model gives to each layer."""
    for layer in range(trial.depth):
        selection = look(trial.model, trial.inputs, layer, "own")
        axes = len(selection.positions)
        assert axes == len(trial.family.axes), f"positions have {axes} axes"
        rotary = trial.family.rotary(trial.decoder, layer, selection.hidden, selection.positions)
        for ours, stock in zip(rotary, selection.projected.rotary, strict=True):
            gap = (ours - stock)[selection.valid].abs().max().item()
            assert gap <= TOLERANCE, f"layer {layer}: rotary embeddings differ by {gap:.1e}"


def check_places_follow_the_raster(trial: Trial) -> None:
    """Check that tokens of a view come row by row, and views one after the other."""
    selection = look(trial.model, trial.inputs, 1)
    for row, grids in enumerate(trial.layout.grids):
        present = selection.present[row]
        expected = torch.cat([_raster(view, *grid) for view, grid in enumerate(grids)])
        parts = selection.view[row, :, None], selection.place[row], selection.shape[row]
        places = torch.cat(parts, dim=1)[present].cpu()
        assert torch.equal(places, expected), f"example {row}: places {places.tolist()}"
        raster = selection.raster[row, present].tolist()
        assert raster == list(range(len(expected))), f"example {row}: raster indices {raster}"


def _raster(view: int, rows: int, columns: int) -> LongTensor:
    """(n, 5) of each token of a view: number of the view, row, column, rows, columns."""
    places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).view(-1, 2)
    shape = torch.tensor([rows, columns]).expand_as(places)
    return torch.cat([torch.full_like(places[:, :1], view), places, shape], dim=1)


def check_features_are_those_of_the_tokens(trial: Trial) -> None:
    """Check that the features of a visual token are those that its embedding is computed from."""
    projector = trial.family.projector(trial.model)
    for row, single in enumerate(trial.singles if projector is not None else ()):
        projector_input, embedded = _projected(trial, projector, single)
        features = trial.family.features(trial.model, projector_input, single)
        shapes = tuple(features.shape), tuple(embedded.shape)
        assert len(features) == len(embedded), f"example {row}: features, tokens: {shapes}"
        # Features that depend on numbers on which the token's embedding does not depend
        foreign = _sources(features, projector_input) & ~_sources(embedded, projector_input)
        tokens = foreign.flatten(1).any(1).nonzero()[:, 0].tolist()
        assert not tokens, f"example {row}: features of tokens {tokens} are those of others"


def _projected(trial: Trial, projector: nn.Module, inputs: Inputs) -> tuple[Tensor, Tensor]:
    """Input of the projector, and embeddings (n, dim) of the visual tokens of one prompt."""
    projector_inputs, embedded = [], []

    def begin(module: nn.Module, args: tuple) -> tuple:
        projector_inputs.append(args[0].detach().requires_grad_())
        return (projector_inputs[0], *args[1:])

    def end(module: nn.Module, args: tuple, kwargs: dict) -> None:
        embedded.append(kwargs["inputs_embeds"])

    with (
        projector.register_forward_pre_hook(begin),
        trial.decoder.register_forward_pre_hook(end, with_kwargs=True),
    ):
        trial.model(**inputs)
    return projector_inputs[0], embedded[0][trial.family.layout(trial.model, inputs).visual]


def _sources(rows: Tensor, tensor: Tensor) -> BoolTensor:
    """(n, *shape of `tensor`) True at the numbers on which each row of `rows` (n, dim) depends."""
    # A random mixture of each row has gradient 0 exactly at the numbers that it does not depend on.
    weights = torch.rand(rows.shape[1], generator=torch.Generator().manual_seed(0))
    row_by_row = torch.eye(len(rows), device=rows.device, dtype=rows.dtype)
    outputs = rows @ weights.to(rows)
    [gradients] = torch.autograd.grad(
        outputs, tensor, row_by_row, retain_graph=True, is_grads_batched=True
    )
    return gradients != 0


def check_received_is_the_attention_of_the_tower(trial: Trial) -> None:
    """Check that `received` is the tower's eager attention to a token's patches: from the class
    token, or the mean over all patches if there is none."""
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
        selection = look(trial.model, trial.inputs, layer, "received")
        for row, views in enumerate(trial.layout.views):
            expected = torch.cat([tokens[view] for view in views])
            by_token = selection.received[row, selection.present[row]]
            gap = (by_token - expected).abs().max().item()
            assert gap <= TOLERANCE, f"example {row}: attention of the tower differs by {gap:.1e}"


def check_selections_do_not_depend_on_the_batch(trial: Trial) -> None:
    """Check that the selection of an example is equal in a batch and alone."""
    needs = ["content"] + ["features"] * (trial.family.projector(trial.model) is not None)
    needs += ["received"] * (trial.family.tower(trial.model) is not None)
    batch = look(trial.model, trial.inputs, 1, *needs)
    for row, single in enumerate(trial.singles):
        together, alone = _fields(batch, row), _fields(look(trial.model, single, 1, *needs), 0)
        for name, ours in together.items():
            theirs = alone[name]
            shapes = tuple(ours.shape), tuple(theirs.shape)
            assert shapes[0] == shapes[1], f"example {row}: {name} of shapes {shapes}"
            gap = (ours.double() - theirs).abs().max().item()
            bound = BATCHED * theirs.abs().max().item() if theirs.is_floating_point() else 0
            assert gap <= bound, f"example {row}: {name} differs by {gap:.1e} in a batch"


def _fields(selection: Selection, row: int) -> dict[str, Tensor]:
    """Fields of a selection for one example, without padding."""
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
