"""`prunescope demo`: one picture, one question, three pruning methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prunescope.errors import InputError

if TYPE_CHECKING:
    from prunescope.cli.answering import Answer, Question
    from prunescope.cli.pictures import Panel
    from prunescope.metrics.boxes import Box, BoxIou

# The task card is data/tasks/locate.yaml.
THRESHOLD = 0.5
MAX_NEW_TOKENS = 4
LEGEND = "Green: right box. Magenta: answer. Dark: removed patches; half dark: removed later."
NEXT = """
The picture was chosen because the methods differ on it; a study asks hundreds of questions.
With your own picture and model: prunescope prune IMAGE QUESTION --model FOLDER_OR_HUB_NAME"""


@dataclass(frozen=True)
class Exhibit:
    """A question to a model about a picture of the test split on which methods differ.

    scene: seed of the picture. target: colour and shape of the object to look for. protocol: of the
    task card, which gives `prompt` and the `boxes` of answers. about: the model, in a few words.
    """

    scene: int
    target: tuple[str, str]
    question: str
    methods: tuple[str, ...]
    prompt: str
    boxes: str
    protocol: str | None
    about: str


SMOL = Exhibit(
    scene=2_000_000_079,
    target=("blue", "square"),
    question="Where is the blue square?",
    methods=("unpruned", "fastv", "fastv-norope", "ensemble"),
    prompt="<image>\n{question}",
    boxes="locations32",
    protocol="smol",
    about="30 layers, 135 million parameters",
)
ROPE = Exhibit(
    scene=2_000_000_079,
    target=("blue", "square"),
    question="where is the blue square",
    methods=("unpruned", "fastv", "fastv-norope", "feather"),
    prompt="<image> In: {question} Out:",
    boxes="grid32",
    protocol=None,
    about="12 layers, 3 million parameters",
)


def demo(
    out: Annotated[Path, typer.Option(metavar="PNG", help="Picture to write.")] = Path("demo.png"),
) -> None:
    """Ask a small model one question, and see what three pruning methods keep of the picture.

    The model is that of the default study, once `make report` has made it. Before, or without a
    checkout, it is a smaller one that comes with prunescope. Both were trained on pictures like
    this one. Takes about 10 seconds on a CPU.
    """
    from prunescope.cli.answering import print_answers
    from prunescope.cli.pictures import save
    from prunescope.methods import named_method
    from prunescope.metrics.boxes import BoxIou

    exhibit, folder = chosen()
    question, box = _question(exhibit, folder)
    metric = BoxIou(THRESHOLD, exhibit.boxes)
    typer.echo(f"Model: {folder} ({exhibit.about})\nQuestion: {exhibit.question}\n")
    answers = [question.answer(named_method(name), MAX_NEW_TOKENS) for name in exhibit.methods]
    outcomes = [_outcome(metric, answer.text, box) for answer in answers]
    print_answers(answers, outcomes)
    save(_panels(question, answers, outcomes, metric, box), f"{exhibit.question}  {LEGEND}", out)
    typer.echo(f"\nThe picture is {out}.\n{LEGEND}{NEXT}")


def chosen() -> tuple[Exhibit, Path]:
    """The default study's model if it is there, else the one that comes with prunescope."""
    studied = _package().parents[1] / "data" / "models" / "smol"
    if (studied / "model.safetensors").is_file():
        return SMOL, studied
    return ROPE, packaged_model()


def packaged_model() -> Path:
    """Folder of the small testbed: in the installed package, else in the checkout."""
    package = _package()
    folders = (package / "testbed" / "model", package.parents[1] / "data" / "testbed" / "rope")
    for folder in folders:
        if (folder / "model.safetensors").is_file():
            return folder
    raise InputError(
        f"the testbed's model is in none of {', '.join(map(str, folders))}; install prunescope "
        "from a wheel, or in editable mode from a checkout"
    )


def _package() -> Path:
    return Path(str(files("prunescope")))


def _question(exhibit: Exhibit, folder: Path) -> tuple["Question", "Box"]:
    """The question to the model in a folder, and the true box."""
    from PIL import Image

    from prunescope.checkpoints.checkpoint import Checkpoint
    from prunescope.cli.answering import Question
    from prunescope.testbed.scenes import make_scene

    scene = make_scene(exhibit.scene)
    [box] = [item.box for item in scene.objects if (item.color, item.shape) == exhibit.target]
    loaded = Checkpoint("demo", folder).load()
    prompt = exhibit.prompt.format(question=exhibit.question)
    return Question.of(loaded, Image.fromarray(scene.render()), prompt), box


def _outcome(metric: "BoxIou", text: str, box: "Box") -> str:
    """Whether an answer is right, and its overlap with the true box."""
    verdict = metric.judge(text, {"box": box})
    return f"{'right' if verdict.score else 'wrong'}, IoU {verdict.iou:.2f}"


def _panels(
    question: "Question",
    answers: Sequence["Answer"],
    outcomes: Sequence[str],
    metric: "BoxIou",
    box: "Box",
) -> list["Panel"]:
    """For each answer the picture under its veil, with the true and the answered box."""
    from prunescope.cli.pictures import ANSWER_BOX, RIGHT_BOX, Panel, veil

    views, panels = question.views(), []
    for answer, outcome in zip(answers, outcomes, strict=True):
        answered = metric.parse(answer.text)
        boxes = [(box, RIGHT_BOX)] + ([(answered, ANSWER_BOX)] if answered else [])
        caption = (f"tokens kept: {answer.tokens()}", outcome)
        panels.append(Panel(answer.method, veil(views, answer.passed()), caption, boxes))
    return panels
