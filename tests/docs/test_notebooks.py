"""Notebooks run as they are, from any folder, and show what their text says."""

import re
from pathlib import Path

import papermill
import pytest
from nbformat import NotebookNode

from helpers import synthetic

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"


class Shown:
    """The outputs of an executed notebook, by the id of the cell."""

    def __init__(self, notebook: NotebookNode):
        self.cells = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
        self.outputs = [output for cell in self.cells.values() for output in cell.outputs]

    def text(self, cell: str) -> str:
        """Printed text of a cell, and the text of its last expression."""
        outputs = self.cells[cell].outputs
        return "".join(output.get("text") or output.data["text/plain"] for output in outputs)

    def rows(self, cell: str) -> dict[str, list[str]]:
        """Rows of a cell's table, by the first entry of each row."""
        [table] = [output.data["text/html"] for output in self.cells[cell].outputs]
        rows = [re.findall(r"<t[hd].*?>(.*?)</t", row) for row in table.split("</tr>")]
        return {first: rest for first, *rest in filter(None, rows)}

    def pictures(self) -> int:
        return sum("image/png" in output.get("data", {}) for output in self.outputs)

    def noise(self) -> list[str]:
        return [output.text for output in self.outputs if output.get("name") == "stderr"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Executes a copy of a notebook in a folder."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # more are slower where cores are shared

    def execute(name: str, folder: Path) -> Shown:
        # an error in a cell is raised here
        return Shown(
            papermill.execute_notebook(
                FOLDER / name,
                tmp_path / name,
                cwd=folder,
                progress_bar=False,
                kernel_name="python3",
            )
        )

    return execute


def test_prune_your_own_vlm(run):
    shown = run("prune_your_own_vlm.ipynb", FOLDER)
    assert shown.noise() == [] and shown.pictures() == 3
    assert len(shown.cells["ten-lines"].source.splitlines()) == 10
    before, after = (line.split(": ")[1] for line in shown.text("answers").splitlines())
    assert before.split() != after.split()
    words = int(shown.text("trace").split("[")[1].split(",")[0]) - 144
    assert shown.text("trace").count(f" {36 + words}") == 11  # of 12 layers
    methods = shown.rows("methods")
    assert methods["fastv"][1:3] == ["[36]", "0.312"]
    assert methods["feather"][0] == methods["unpruned"][0] == before.strip()
    assert shown.text("batch").count("the same tokens alone: True") == 3
    assert "in 64 of 64 examples" in shown.text("scores")


def test_write_a_criterion(run):
    shown = run("write_a_criterion.ipynb", ROOT)
    assert shown.noise() == [] and shown.pictures() == 1
    assert "divprune" in shown.text("found")
    assert shown.text("contract") == "DivPrune keeps the contract\n"
    padded, start, features = shown.text("wrong").splitlines()
    assert padded.startswith("Padded: example 0: [") and " alone, [" in padded
    assert start == "RandomStart: two calls differ"
    assert features.startswith("Features: fails with what it says it needs, []: ")
    table = shown.rows("compare")
    assert [table[name][-2:] for name in ("fastv", "uniform", "divprune")] == [["36.0", "45.0"]] * 3
    assert float(table["divprune"][0]) > float(table["fastv"][0]) + 0.3
    assert float(shown.rows("pairs")["divprune"][-1]) < 0.01  # p against fastv
    more, *_, p = map(float, shown.rows("pairs")["uniform"])
    assert 0 < more < 0.15 and 0.01 < p < 0.2


def test_retention_maps(run, tmp_path):
    """The notebook of a study's report, on scores that lie where the default study puts them."""
    (tmp_path / "analysis").symlink_to(ROOT / "analysis")
    stores = tmp_path / "results/smol/attention/smol/locate"
    stores.mkdir(parents=True)
    synthetic.write_scores(stores / "1.zarr", synthetic.scores())
    assert run("retention_maps.ipynb", tmp_path).pictures() == 2


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_outputs_are_not_kept(path):
    notebook = papermill.iorw.load_notebook_node(str(path))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert notebook.metadata.kernelspec.name == notebook.metadata.language_info.name + "3"
