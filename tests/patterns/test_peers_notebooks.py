"""The kinds of notebooks that papermill and jupyter-scheduler test themselves with, each with the outcome that is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from workbench.patterns.batch.kernel import Ahead
from workbench.patterns.batch.notebook import run_notebook

LAST = "print('last')"
CASES: dict[str, tuple[list[str], dict[str, Any], str, str, list[str]]] = {
    "simple_execute": (["print(message)"], {"message": "Hello ✓ Köln"}, "done", "", ["Hello ✓ Köln", "last"]),
    "complex_parameters": (
        ["print(repr((message, number, items, nested, nothing)))"],
        {"message": "a\"b'c\n", "number": -1.5e-9, "items": [1, "two", None], "nested": {"a": [True]}, "nothing": None},
        "done", "", [r"""('a"b\'c\n', -1.5e-09, [1, 'two', None], {'a': [True]}, None)""", "last"],
    ),
    "broken": (["print('before')", "1 / 0"], {}, "failed", "ZeroDivisionError: division by zero", ["before"]),
    "keyboard_interrupt": (["raise KeyboardInterrupt"], {}, "failed", "KeyboardInterrupt: ", []),
    "sysexit0": (["import sys\nsys.exit(0)"], {}, "done", "", []),
    "sysexit1": (["import sys\nsys.exit(1)"], {}, "failed", "SystemExit: 1", []),
    "sysexit_text": (["raise SystemExit('no new rows')"], {}, "failed", "SystemExit: no new rows", []),
    "no python": (["def broken(:\n    pass"], {}, "failed", "SyntaxError: invalid syntax", []),
    "asks": (["input('name? ')"], {}, "failed", "StdinNotImplementedError: ", []),
    "awaits": (["import asyncio\nawait asyncio.sleep(0)\nprint('awaited')"], {}, "done", "", ["awaited", "last"]),
    "shell": (["!echo from the shell"], {}, "done", "", ["from the shell", "last"]),
    "cleared": (
        ["from IPython.display import clear_output\nprint('a')\nclear_output()\nprint('b')"],
        {}, "done", "", ["b", "last"],
    ),
    "line magic error": (["%no-such-magic", "print('no')"], {}, "failed", "UsageError: Line magic function", []),
    "a file beside it": (
        ["import os\nos.makedirs('a/b')\nopen('a/b/hello.txt', 'w').write('hello')", "print(open('a/b/hello.txt').read())"],
        {}, "done", "", ["hello", "last"],
    ),
    "bare except": (["try:\n    exit()\nexcept BaseException:\n    print('on')"], {}, "done", "", ["on", "last"]),
}  # fmt: skip
PARAMETERS = 'message = "m"\nnumber = 1.0\nitems = []\nnested = {}\nnothing = None'


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ahead]:
    folder = tmp_path_factory.mktemp("kernels")
    ahead = Ahead(folder, folder, len(CASES))
    yield ahead
    ahead.close()


def printed(file: Path) -> list[str]:
    nbformat.validate(there := nbformat.read(file, as_version=4))
    outputs = [output for cell in there.cells for output in cell.get("outputs", ())]
    return [o.text.strip() for o in outputs if o.output_type == "stream" and o.name == "stdout"]


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_notebook_ends_as_it_should(case: str, kernels: Ahead, tmp_path: Path) -> None:
    cells, given, state, error, said = CASES[case]
    tagged = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    made = nbformat.v4.new_notebook(cells=[tagged, *map(nbformat.v4.new_code_cell, [*cells, LAST])])
    nbformat.write(made, tmp_path / "nb.ipynb")
    run = run_notebook(tmp_path / "nb.ipynb", tmp_path / "out.ipynb", given, scratch=tmp_path, start=kernels.take)
    assert (run.state, run.error[: len(error)] if error else run.error) == (state, error)
    assert printed(tmp_path / "out.ipynb") == said
    assert not list(tmp_path.glob("results-*"))
