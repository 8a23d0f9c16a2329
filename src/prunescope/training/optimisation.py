"""Training loop of all stages: Muon for matrices, AdamW for the rest, cosine schedule to zero."""

import json
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from prunescope.errors import InputError

log = logging.getLogger(__name__)
BETAS = (0.9, 0.98)


@dataclass(frozen=True)
class Recipe:
    """Numbers of one stage.

    rate: peak learning rate of AdamW; matrix_rate: of the layers' matrices, with Muon or AdamW.
    horizon: steps after which the rates would reach zero, by default `steps`. seed: for all random
    numbers, including the first scene. milestones: steps whose weights are kept beside the
    checkpoint.
    """

    steps: int
    batch: int
    rate: float
    matrix_rate: float
    warmup: int = 100
    horizon: int | None = None
    seed: int = 0
    checkpoint_every: int = 250
    milestones: Sequence[int] = ()


def muon_and_adamw(
    module: nn.Module, recipe: Recipe, is_matrix: Callable[[str], bool]
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices that `is_matrix` names, and AdamW for all other parameters.

    Muon (arXiv 2502.16982) is matched to the update size (RMS) of AdamW.
    """
    matrices, others = split(module, is_matrix)
    muon = torch.optim.Muon(
        matrices, recipe.matrix_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
    )
    return [muon, torch.optim.AdamW(others, recipe.rate, betas=BETAS, weight_decay=0.0)]


def adamw(
    module: nn.Module, recipe: Recipe, is_matrix: Callable[[str], bool]
) -> list[torch.optim.Optimizer]:
    """AdamW with `matrix_rate` for the matrices that `is_matrix` names, and `rate` for the rest."""
    matrices, others = split(module, is_matrix)
    groups = [
        {"params": matrices, "lr": recipe.matrix_rate},
        {"params": others, "lr": recipe.rate},
    ]
    return [torch.optim.AdamW(groups, betas=BETAS, weight_decay=0.0)]


def split(
    module: nn.Module, is_matrix: Callable[[str], bool]
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The matrices of a module that `is_matrix` names and its other parameters, if trained."""
    matrices, others = [], []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            (matrices if parameter.ndim == 2 and is_matrix(name) else others).append(parameter)
    return matrices, others


def schedule(step: int, recipe: Recipe) -> float:
    """Learning rate as a share of its peak: linear warm-up, then cosine to zero."""
    rise = min(1.0, (step + 1) / recipe.warmup)
    return rise * 0.5 * (1 + math.cos(math.pi * step / (recipe.horizon or recipe.steps)))


def train(
    module: nn.Module,
    loss_at: Callable[[int], tuple[Tensor, dict[str, Tensor]]],
    recipe: Recipe,
    steppers: Sequence[torch.optim.Optimizer],
    checkpoint: Path,
) -> dict:
    """Minimise `loss_at(step)`, resuming from `checkpoint`; returns the last averaged metrics.

    `loss_at` gives a loss and metrics. It must depend on the step alone, so that a resumed run
    sees the same data as an uninterrupted one. steppers: optimizers at their peak rates.
    InputError for a checkpoint of another recipe.
    """
    for group in _groups(steppers):
        group["peak"] = group["lr"]
    first, seconds = _resume(module, steppers, recipe, checkpoint)
    values, start = defaultdict(list), time.monotonic() - seconds
    history: dict = {}
    if first == 0 and 0 in recipe.milestones:
        _keep(module, checkpoint, 0)
    for step in range(first, recipe.steps):
        loss, metrics = loss_at(step)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        _apply(steppers, schedule(step, recipe))
        for name, value in {"loss": loss.detach(), **metrics}.items():
            values[name].append(value)
        steps_done = step + 1
        if steps_done % 50 == 0 or steps_done == recipe.steps:
            seconds = round(time.monotonic() - start)
            history = {"step": steps_done, "seconds": seconds, **_means(values)}
            log.info(json.dumps(history))
            values.clear()
        if steps_done % recipe.checkpoint_every == 0 or steps_done == recipe.steps:
            _save(module, steppers, recipe, checkpoint, steps_done, time.monotonic() - start)
        if steps_done in recipe.milestones:
            _keep(module, checkpoint, steps_done)
    return history


def _keep(module: nn.Module, checkpoint: Path, step: int) -> None:
    """Write the weights of a milestone."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"module": trained(module)}, milestone(checkpoint, step))


def milestone(checkpoint: Path, step: int) -> Path:
    """File of the weights after `step` steps of a stage, for `load_parameters`."""
    return checkpoint.with_name(f"{checkpoint.stem}-{step}.pt")


def trained(module: nn.Module) -> dict[str, Tensor]:
    """The parameters that are trained, by name; frozen ones come from elsewhere."""
    named = module.named_parameters()
    return {name: value.detach().clone() for name, value in named if value.requires_grad}


def load_trained(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load what `trained` gave; frozen parameters stay. InputError for other names."""
    unknown = module.load_state_dict(weights, strict=False).unexpected_keys
    if lacking := sorted({*unknown, *(trained(module).keys() - weights.keys())}):
        raise InputError(f"checkpoint: parameters {lacking[:3]} are not those of this stage")


def load_stage(module: nn.Module, checkpoint: Path | str) -> nn.Module:
    """Load the weights of a finished stage into `module` and freeze it."""
    load_parameters(module, checkpoint)
    return module.requires_grad_(False).eval()


def load_parameters(module: nn.Module, checkpoint: Path | str) -> None:
    """Load the weights of a finished stage or of a milestone into `module`, to train them on."""
    load_trained(module, torch.load(checkpoint, weights_only=True)["module"])


def training_minutes(checkpoint: Path | str) -> float:
    """Wall-clock minutes that a stage took, without interruptions."""
    return torch.load(checkpoint, weights_only=True)["seconds"] / 60


def _groups(steppers: Iterable[torch.optim.Optimizer]) -> list[dict]:
    return [group for optimizer in steppers for group in optimizer.param_groups]


def _apply(steppers: Iterable[torch.optim.Optimizer], share: float) -> None:
    for group in _groups(steppers):
        group["lr"] = group["peak"] * share
    for optimizer in steppers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def _means(values: dict[str, list[Tensor]]) -> dict[str, float]:
    """Mean of each metric over steps, without NaN."""
    stacked = {name: torch.stack(steps).float() for name, steps in values.items()}
    return {name: round(steps.nanmean().item(), 4) for name, steps in stacked.items()}


def _save(module, steppers, recipe: Recipe, path: Path, step: int, seconds: float) -> None:
    """Write a checkpoint; it replaces the old one only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "recipe": asdict(recipe),
        "step": step,
        "seconds": seconds,
        "module": trained(module),
        "optimizers": [optimizer.state_dict() for optimizer in steppers],
    }
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def _resume(module, steppers, recipe: Recipe, path: Path) -> tuple[int, float]:
    """Load a checkpoint if there is one; returns its step and the seconds spent until then."""
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    if state["recipe"] != asdict(recipe):
        raise InputError(
            f"{path}: checkpoint of another recipe {state['recipe']}; "
            f"this stage has {asdict(recipe)}. Delete the file to train anew"
        )
    load_trained(module, state["module"])
    for optimizer, saved in zip(steppers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return state["step"], state["seconds"]
