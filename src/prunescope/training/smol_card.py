"""Card of a trained folder: what it is, its gates of fitness, its probes, and how it was made."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
from transformers import LlavaConfig

TEMPLATE = Path(__file__).with_name("smol_card.md.j2")
HISTORY = "history.md"  # what a card cannot know: how these weights came about


def write_card(
    folder: Path, recipes: Mapping[str, dict], minutes: Mapping[str, float], rank: int
) -> None:
    """Write the `README.md` of a folder of what was trained, from its `gates.json`, `leaks.json`
    and, if there is one, `history.md`.

    recipes: numbers of each stage. minutes: how long each took, NaN if that is not known.
    """
    environment = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, autoescape=False, undefined=jinja2.StrictUndefined
    )
    tower = LlavaConfig.from_pretrained(folder).vision_config
    history = folder / HISTORY
    text = environment.from_string(TEMPLATE.read_text()).render(
        name=folder.name,
        grid=tower.image_size // tower.patch_size,
        depth=tower.num_hidden_layers,
        width=tower.hidden_size,
        rank=rank,
        gates=_read(folder / "gates.json"),
        leaks=_read(folder / "leaks.json"),
        recipes=recipes,
        minutes=minutes,
        history=history.read_text().strip() if history.is_file() else "",
        versions={name: version(name) for name in ("prunescope", "torch", "transformers")},
    )
    (folder / "README.md").write_text(text)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())
