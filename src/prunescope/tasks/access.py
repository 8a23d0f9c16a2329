"""What a study says about data: where copies are, and what images are refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Access:
    """organisations: for one of the hub, another that has its data sets, or a folder of them;
    folder: what is not on the hub, by the cards' names; stream: only so many rows, none stored (but
    all images that have files of their own are); unreadable: largest share of rows that may be
    left out; pixels: those of the largest image.
    """

    organisations: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("data/downloads")
    stream: int | None = None
    unreadable: float = 0.01
    pixels: int = 50_000_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

    def repository(self, repo: str) -> str:
        """Where the data set `repo`, organisation/name, is loaded from."""
        organisation, name = repo.split("/")
        return f"{self.organisations.get(organisation, organisation)}/{name}"
