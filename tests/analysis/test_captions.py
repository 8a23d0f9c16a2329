"""Captions, which are the docstrings of the scripts: a title, then how to read the item."""

import ast

import pytest

from helpers.scripts import ANALYSIS

SCRIPTS = sorted(ANALYSIS.glob("*.py"))
WORDS = 72  # more is read by nobody


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_a_caption_is_a_title_and_a_short_paragraph(script):
    caption = ast.get_docstring(ast.parse(script.read_text()))
    title, text = caption.split("\n\n")
    assert "\n" not in title and title.endswith((".", "?"))
    assert len(text.split()) <= WORDS
    assert not title.startswith(("The same", "Those", "Of ", "That of"))
