"""Criteria and model families of other packages, found by their entry points."""

import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest
import torch
from transformers import Qwen2AudioConfig

from prunescope import criteria, models
from prunescope.criteria import Criterion
from prunescope.errors import InputError
from prunescope.models import Family, family_of
from prunescope.plugins import discover

CRITERION = """
    from dataclasses import dataclass

    from prunescope.criteria import Criterion


    @dataclass(frozen=True)
    class Leftmost(Criterion):
        name = "leftmost"

        strength: float = 1.0

        def score(self, selection):
            return -self.strength * selection.place[..., 1].float()
"""
FAMILY = """
    from prunescope.models import Family, View


    class VipLlava(Family):
        name = "vipllava"
        model_types = ("vipllava",)

        def grid(self, model):
            vision = model.config.vision_config
            return (vision.image_size // vision.patch_size,) * 2

        def views(self, model, inputs):
            return [View(*self.grid(model)) for _ in self.pixels(model, inputs) or ()]
"""
# A stock model that no family of the repository serves, with random weights.
USE = """
    import json
    import sys

    import torch
    import yaml
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        VipLlavaConfig,
        VipLlavaForConditionalGeneration,
    )

    from prunescope.methods import parse_methods
    from prunescope.pruning import prune
    from prunescope.testing.contracts import check_criterion
    from prunescope.testing.models import check_model

    torch.set_num_threads(1)
    sizes = {
        "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4,
        "initializer_range": 0.15,
    }
    config = VipLlavaConfig(  # reads five of the layers of its vision tower, down to the 11th
        vision_config=CLIPVisionConfig(**sizes, num_hidden_layers=12, image_size=24, patch_size=4),
        text_config=LlamaConfig(
            **sizes, num_hidden_layers=4, vocab_size=64, eos_token_id=None, pad_token_id=0
        ),
        image_token_index=60,
    )
    torch.manual_seed(0)
    model = VipLlavaForConditionalGeneration(config).eval()
    pixels = torch.randn(2, 3, 24, 24)


    def inputs_of(tokens, pixels):
        mask = (tokens > 0).long()
        return {"input_ids": tokens, "attention_mask": mask, "pixel_values": pixels}


    tokens = torch.tensor([[0, 0, 1, *[60] * 36, 7], [1, *[60] * 36, 5, 6, 7]])
    inputs = inputs_of(tokens, pixels)
    singles = [inputs_of(tokens[:1, 2:], pixels[:1]), inputs_of(tokens[1:], pixels[1:])]
    check_model(model, inputs, singles)

    [method] = parse_methods(yaml.safe_load(open(sys.argv[1])), sys.argv[1]).values()
    check_criterion(method.stages[0].score)
    with prune(model, method) as trace:
        model.generate(**inputs, max_new_tokens=3)
    print(json.dumps([row.tolist() for row in trace.kept[0]]))
"""


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Makes an installed distribution of one module and says what it is called."""

    def make(module: str, source: str, **points: str) -> str:
        """points: entry points by their group's last word, each 'name = object'."""
        (tmp_path / f"{module}.py").write_text(dedent(source))
        info = tmp_path / f"of_{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: of-{module}\nVersion: 1.0\n")
        groups = [f"[prunescope.{group}]\n{point}\n" for group, point in points.items()]
        (info / "entry_points.txt").write_text("".join(groups))
        monkeypatch.delitem(sys.modules, module, raising=False)
        return f"of-{module}"

    monkeypatch.syspath_prepend(tmp_path)
    return make


def test_a_method_file_names_criteria_of_others_for_models_of_others(tmp_path, distribution):
    distribution("left", CRITERION, criteria="any = left:Leftmost")
    distribution("vip", FAMILY, models="any = vip:VipLlava")
    methods = tmp_path / "methods.yaml"
    methods.write_text("left: [{layer: 2, keep: 12, score: {leftmost: {strength: 2}}}]")
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-c", dedent(USE), methods],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    # the two columns on the left of 6 x 6
    expected = [6 * row + column for row in range(6) for column in range(2)]
    assert json.loads(done.stdout.splitlines()[-1]) == [expected, expected]


def test_a_name_that_is_taken(distribution):
    distribution(
        "clash", CRITERION.replace('"leftmost"', '"uniform"'), criteria="mine = clash:Leftmost"
    )
    message = (
        r"entry point 'prunescope\.criteria' of of-clash: mine = clash:Leftmost: the name 'uniform'"
        r" is that of prunescope\.criteria\.uniform\.Uniform; taken: \[.*'uniform'.*\]"
    )
    with pytest.raises(InputError, match=message):
        discover(criteria, Criterion)


def test_two_others_with_one_name(distribution):
    distribution("one", FAMILY, models="a = one:VipLlava")
    distribution("two", FAMILY, models="a = two:VipLlava")
    with pytest.raises(InputError, match=r"'prunescope\.models' of of-(one|two): .* 'vipllava'"):
        discover(models, Family)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_module", "cannot be loaded: ModuleNotFoundError: .*no_such_module"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("Else = 1", "cannot be loaded: AttributeError: .*Thing"),
        ("Thing = dict", r"<class 'dict'> is not a subclass of prunescope\.criteria\.base\.Crit"),
        ("Thing = 1", r"1 is not a subclass of prunescope\.criteria\.base\.Criterion"),
        (
            "from prunescope.criteria import Criterion\nclass Thing(Criterion): pass",
            "Thing must define name, score",
        ),
    ],
)
def test_an_entry_point_that_is_no_criterion(source, message, distribution):
    distribution("broken", source, criteria="mine = broken:Thing")
    where = r"entry point 'prunescope\.criteria' of of-broken: mine = broken:Thing: "
    with pytest.raises(InputError, match=where + message):
        discover(criteria, Criterion)


def test_a_family_that_does_not_say_what_it_serves(distribution):
    source = "from prunescope.models import Family\nclass Thing(Family): name = 'thing'"
    distribution("mute", source, models="mine = mute:Thing")
    with pytest.raises(InputError, match=r"of of-mute: .* Thing must define model_types, views"):
        discover(models, Family)


def test_two_families_for_one_kind_of_model(distribution, monkeypatch):
    distribution("more", FAMILY.replace('("vipllava",)', '("llava",)'), models="a = more:VipLlava")
    families = discover(models, Family)
    monkeypatch.setattr(models, "registry", lambda: families)
    model = torch.nn.Module()
    model.config = type("Config", (), {"model_type": "llava"})
    with pytest.raises(InputError, match=r"'llava' .* several families: \['llava', 'vipllava'\]"):
        family_of(model)


def test_a_model_that_no_family_serves():
    model = torch.nn.Linear(1, 1)
    model.config = Qwen2AudioConfig()
    with pytest.raises(InputError) as error:
        family_of(model)
    message = str(error.value)
    assert message.startswith("Linear (model_type 'qwen2_audio') is not supported; ")
    assert "'llava': ['llava', 'llava_dinosiglip']" in message
    assert "prunescope.models.Family" in message
    must, may = message.split("`model_types` and ")[1].split(" it may override ")
    assert must == "the methods ['views'];"
    for method in ("decoder", "projections", "rotary", "placeholders", "features"):
        assert f"'{method}'" in may
    assert "prunescope.testing.models.check_model" in message
    with pytest.raises(InputError, match=r"^Linear \(model_type None\) is not supported"):
        family_of(torch.nn.Linear(1, 1))
