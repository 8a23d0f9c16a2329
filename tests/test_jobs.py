"""How scripts are run: arguments by name, errors in the log, notes where an item cannot be made."""

from prunescope.jobs import NOTE, run

import errno
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from prunescope.errors import InputError


class Named(list):
    """Like Snakemake's lists with names."""

    def __init__(self, **named):
        super().__init__(named.values())
        vars(self).update(named)
        self.items = named.items


def job(folder, **outputs):
    paths = {name: str(folder / f"x.{name}") for name in outputs}
    return SimpleNamespace(
        input=Named(), output=Named(**paths), params=Named(size=3, other=1), log=[folder / "log"]
    )


def test_make_gets_what_it_asks_for(tmp_path):
    got = {}
    run(lambda csv, size: got.update(csv=csv, size=size), {"snakemake": job(tmp_path, csv=1)})
    assert got == {"csv": str(tmp_path / "x.csv"), "size": 3}


@dataclass
class Size:
    """Settings that a script takes as one object."""

    width: int
    height: int = 2


def test_a_mapping_becomes_the_dataclass_of_its_argument(tmp_path):
    got = []

    def make(size: Size, other):
        got.extend([size, other])

    given = job(tmp_path)
    given.params = Named(size={"width": 1}, other={"width": 1})
    run(make, {"snakemake": given})
    assert got == [Size(1, 2), {"width": 1}]


SCRIPT = """
import gc, sys
from types import SimpleNamespace
snakemake = SimpleNamespace(input={}, output={}, params={}, log=[]) if sys.argv[1:] else None
if snakemake is None: del snakemake
from prunescope.jobs import run
print(gc.isenabled())
run(lambda: print(gc.isenabled()), globals())
"""


@pytest.mark.parametrize(("job", "said"), [("job", "False True"), ("", "True")])
def test_garbage_is_not_looked_for_while_a_job_imports(job, said):
    command = [sys.executable, "-c", SCRIPT, *job.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == said.split()


def fail(error):
    def make():
        raise error

    return make


def test_an_item_that_cannot_be_made_leaves_a_note(tmp_path):
    run(fail(InputError('two, "images"')), {"snakemake": job(tmp_path, png=1, csv=1)})
    assert (tmp_path / "x.png").read_bytes() == b""
    assert (tmp_path / "x.csv").read_text().splitlines() == [NOTE, '"two, ""images"""']
    assert "InputError: two" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("error", "first", "last"),
    [
        (ValueError("a bug"), "Traceback (most recent call last):", "ValueError: a bug"),
        (InputError("no weights"), "no weights", "no weights"),
    ],
)
def test_other_errors_and_other_jobs_fail(tmp_path, capsys, error, first, last):
    outputs = {"records": 1} if isinstance(error, InputError) else {"csv": 1}
    with pytest.raises(SystemExit, match=r"^1$"):
        run(fail(error), {"snakemake": job(tmp_path, **outputs)})
    lines = (tmp_path / "log").read_text().splitlines()
    assert (lines[0], lines[-1]) == (first, last)
    assert not list(tmp_path.glob("x.*"))
    assert capsys.readouterr() == ("", "")  # the log says it once


def caused(error, cause):
    error.__cause__ = cause
    return error


def full(number=errno.ENOSPC, *path):
    return OSError(number, os.strerror(number), *path)


RECORDS_ARE_KEPT = r"\. Then run again: finished records are kept$"


@pytest.mark.parametrize("outputs", [{"records": 1}, {"csv": 1}])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (full(errno.ENOSPC, "x.part"), r"^the disk is full \(.*'x\.part'\)\. Make room, or move"),
        (full(errno.EDQUOT), r"^the disk is full \(.*quota exceeded\)\. Make room, or move"),
        (caused(KeyError("a\nb"), caused(full(), full(errno.EDQUOT, "x.part"))), r"full .*x\.part"),
        (caused(InputError("task 'x': set HF_HOME"), full()), r"^task 'x': set HF_HOME"),
    ],
)
def test_a_full_disk_is_said_in_one_line(tmp_path, error, said, outputs):
    with pytest.raises(SystemExit, match=r"^1$"):
        run(fail(error), {"snakemake": job(tmp_path, **outputs)})
    [line] = (tmp_path / "log").read_text().splitlines()
    assert re.search(said + ".*" + RECORDS_ARE_KEPT, line)
    assert not list(tmp_path.glob("x.*"))


@pytest.mark.parametrize("make", [lambda: print("x"), fail(ValueError("a bug"))])
def test_a_log_on_a_full_disk(tmp_path, capsys, make):
    logged = job(tmp_path, csv=1)
    logged.log = ["/dev/full"]
    with pytest.raises(SystemExit, match=r"^1$"):
        run(make, {"snakemake": logged})
    [line] = capsys.readouterr().err.splitlines()
    assert re.search("^the disk is full .*" + RECORDS_ARE_KEPT, line)
