"""Captions, which are the docstrings of the scripts: a title, then how to read the item."""

import ast

import pytest

from helpers.scripts import ANALYSIS
from prunescope.study import scripts

SCRIPTS = sorted(ANALYSIS.glob("*.py"))
WORDS = 72  # more is read by nobody


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_a_caption_is_a_title_and_a_short_paragraph(script):
    caption = ast.get_docstring(ast.parse(script.read_text()))
    title, text = caption.split("\n\n")
    assert "\n" not in title and title.endswith((".", "?"))
    assert len(text.split()) <= WORDS
    assert not title.startswith(("The same", "Those", "Of ", "That of"))


def test_arguments_of_a_shared_recipe_are_those_of_the_script():
    assert scripts.arguments("bounds")["methods"] and scripts.is_of_one_model("bounds")
    assert scripts.options("budgets_table") == {"methods": False, "bootstrap": False}
