"""The README's example of a criterion works as it stands there."""

import re
from pathlib import Path

import pytest
import yaml

from prunescope import criteria
from prunescope.methods import check, parse_methods
from prunescope.testing.contracts import check_criterion

README = (Path(__file__).parents[1] / "README.md").read_text()


@pytest.fixture
def norm(monkeypatch):
    """The class that the README writes, found as if its file were there."""
    [source] = [
        code for code in re.findall(r"```python\n(.*?)```", README, re.S) if "class" in code
    ]
    namespace = {"__name__": "norm"}
    exec(source, namespace)
    monkeypatch.setattr(criteria, "known", lambda: {"norm": namespace["Norm"]})
    return namespace["Norm"]


def test_the_criterion_keeps_the_contract(norm):
    check_criterion(norm())
    check_criterion(norm(largest=False))


def test_the_method_names_the_criterion(norm):
    [method] = re.findall(r"```yaml\n(.*?)```", README, re.S)
    [parsed] = parse_methods(yaml.safe_load(method), "README").values()
    check(parsed, depth=12)
    assert parsed.stages[0].criterion == norm(largest=True)
    assert parsed.stages[0].count(144) == 36
