from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import NotFound
from workbench.faces import helptext, shell
from workbench.listing import Aliases


class Answering:
    """An API that gives one answer, or raises it, and remembers what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.options = answer, dict[str, Any]()

    def __getattr__(self, verb: str) -> Any:
        def call(**options: Any) -> Any:
            self.options = options
            if isinstance(self.answer, BaseException):
                raise self.answer
            return self.answer

        return call


def _main(*words: str, answer: Any = "") -> tuple[int, Answering]:
    api = Answering(answer)
    return shell.main(words, lambda: api), api


def test_words_are_text_and_answers_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code, api = _main("predict", "churn", "X{month}.csv", "-o", "out.csv", answer="2 rows")
    assert (code, capsys.readouterr().out) == (0, "2 rows\n")
    assert api.options == {"model": "churn", "input": "X{month}.csv", "output": "out.csv", "email": None, "env": None}


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    _main("status", "--json", answer=Aliases("churn", {"live": 2}))
    assert json.loads(capsys.readouterr().out) == {"live": 2}


def test_a_frame_goes_into_a_pipe_whole(capsys: pytest.CaptureFixture[str]) -> None:
    import pandas as pd

    _main("predict", "churn", "in.csv", answer=pd.DataFrame({"a": range(200), "prediction": 0.5}))
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("a,prediction", "199,0.5", 201)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["predct"], 2, "there is no verb 'predct'\n→ did you mean workbench predict?\n"),
        (["--hepl"], 2, "workbench has no option --hepl\n→ workbench --help lists its verbs\n"),
        (["predict", "churn"], 2, "workbench predict needs INPUT: a frame of the notebook, a file, a URL"),
        (
            ["predict", "churn", "x", "--ouput", "y"],
            2,
            "workbench predict has no option --ouput\n→ did you mean --output?",
        ),
        (["source", "churn", "--cell"], 2, "--cell puts the source into a notebook's next cell; there is none here"),
        (
            ["model", "churn"],
            2,
            "workbench model needs OBJECT: there is no notebook here\n→ as in workbench model churn",
        ),
    ],
)
def test_what_is_asked_wrongly(words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(*words)[0] == code
    said = capsys.readouterr()
    assert (said.out, said.err[: len(message)]) == ("", message)


def test_what_fails_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main("source", "churm", answer=NotFound("there is no model 'churm'", fix="did you mean churn?"))[0] == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "there is no model 'churm'\n→ did you mean churn?\n")


def test_control_c_is_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main("models", answer=KeyboardInterrupt())[0] == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_overview(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.main(words) == 0
    assert capsys.readouterr().out == f"{helptext.overview('workbench')}\n"


def _process(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    code = "import sys; from workbench.faces.shell import main; sys.exit(main())"
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run([sys.executable, "-c", code, *words], text=True, env=env, check=False, **options)


def test_the_command_as_a_process(home: Path) -> None:
    ran = _process("models", capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("no models yet")
    ran = _process("source", "churn", capture_output=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "churn" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert _process("--version", capture_output=True).stdout.startswith("deployment-workbench ")


def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = _process("--help", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, "")
