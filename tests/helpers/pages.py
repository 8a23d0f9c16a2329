"""The Markdown pages of the project, and what they show: code, commands, links."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a language on a page, in order."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def commands(page: Path) -> list[str]:
    """The lines of shell blocks and the one-line commands in the text, without comments."""
    text = "\n".join(blocks(page, "sh")).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line).strip() for line in text.splitlines()]
    inline = re.findall(
        r"`((?:prunescope|make|snakemake|pytest|pip|python) [^`\n]+)`", page.read_text()
    )
    return [*filter(None, lines), *inline]


def anchors(page: Path) -> set[str]:
    """Fragments that links to the page may have: its headings as GitHub and MkDocs write them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def links(page: Path) -> list[tuple[Path, str]]:
    """Links of the page to files of the project, with their fragments."""
    targets = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text())
    split = [target.partition("#") for target in targets]
    return [((page.parent / path) if path else page, anchor) for path, _, anchor in split]
