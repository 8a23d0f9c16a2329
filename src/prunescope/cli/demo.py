"""`prunescope demo`: one picture, one question, three pruning methods."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prunescope.errors import InputError

if TYPE_CHECKING:
    from prunescope.cli.answering import Answer, Question
    from prunescope.cli.pictures import Panel
    from prunescope.metrics.boxes import Box, BoxIou

METHODS = ("unpruned", "fastv", "fastv-norope", "feather")
# A picture of the test split on which the methods differ, and the object to look for in it
SCENE, TARGET = 2_000_000_079, ("blue", "square")
QUESTION = "where is the blue square"
# The prompt and the metric of the task card data/tasks/locate.yaml
PROMPT = "<image> In: {question} Out:"
METRIC = {"threshold": 0.5, "format": "grid32"}
MAX_NEW_TOKENS = 4
LEGEND = "Green: right box. Magenta: answer. Dark: removed patches; half dark: removed later."
NEXT = """
The picture was chosen because the methods differ on it; a study asks hundreds of questions.
With your own picture and model: prunescope prune IMAGE QUESTION --model FOLDER_OR_HUB_NAME"""


def demo(
    out: Annotated[Path, typer.Option(metavar="PNG", help="Picture to write.")] = Path("demo.png"),
) -> None:
    """Ask a small model one question, and see what three pruning methods keep of the picture.

    The model has 12 layers and 3 million parameters. It comes with prunescope and was trained on
    pictures like this one. Takes about 10 seconds on a CPU.
    """
    from prunescope.cli.answering import print_answers
    from prunescope.cli.pictures import save
    from prunescope.methods import named_method
    from prunescope.metrics.boxes import BoxIou

    question, box = _question()
    metric = BoxIou(**METRIC)
    typer.echo(f"Question: {QUESTION}?\n")
    answers = [question.answer(named_method(name), MAX_NEW_TOKENS) for name in METHODS]
    outcomes = [_outcome(metric, answer.text, box) for answer in answers]
    print_answers(answers, outcomes)
    save(_panels(question, answers, outcomes, metric, box), f"{QUESTION}?  {LEGEND}", out)
    typer.echo(f"\nThe picture is {out}.\n{LEGEND}{NEXT}")


def testbed_model() -> Path:
    """Folder of the testbed's model: in the installed package, else in the checkout."""
    package = Path(str(files("prunescope")))
    folders = (package / "testbed" / "model", package.parents[1] / "data" / "testbed" / "rope")
    for folder in folders:
        if (folder / "model.safetensors").is_file():
            return folder
    raise InputError(
        f"the testbed's model is in none of {', '.join(map(str, folders))}; install prunescope "
        "from a wheel, or in editable mode from a checkout"
    )


def _question() -> tuple["Question", "Box"]:
    """The demo's question to the testbed's model, and the true box."""
    from PIL import Image

    from prunescope.checkpoints.checkpoint import Checkpoint
    from prunescope.cli.answering import Question
    from prunescope.testbed.scenes import make_scene

    scene = make_scene(SCENE)
    [box] = [thing.box for thing in scene.objects if (thing.color, thing.shape) == TARGET]
    loaded = Checkpoint("testbed", testbed_model()).load()
    prompt = PROMPT.format(question=QUESTION)
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
