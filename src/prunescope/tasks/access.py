"""Where a study finds the data of benchmarks, and how much of them it reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Access:
    """The key `data` of a study.

    organisations: an organisation of the hub -> the one, or the folder, to use instead. folder:
    of files that people download themselves. stream: number of rows to read without storing
    them (images with files of their own are stored all the same); None reads all. unreadable:
    largest share of rows that may be left out. pixels: most that an image may have.
    """

    organisations: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path("data/downloads")
    stream: int | None = None
    unreadable: float = 0.01
    pixels: int = 50_000_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))

    def repository(self, repo: str) -> str:
        """Name or folder that the data set `repo` (organisation/name) is loaded from."""
        organisation, name = repo.split("/")
        return f"{self.organisations.get(organisation, organisation)}/{name}"
