"""Importing is light and never hides a verb."""

from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import workbench
from workbench.api import Workbench
from workbench.errors import WorkbenchError
from workbench.specs.verbs import VERBS

HEAVY = {"pandas", "IPython", "numpy", "pyarrow", "sqlalchemy", "jupyter_server", "nbformat", "fastapi"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import workbench, sys; print(sorted({HEAVY!r} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_every_verb_is_still_a_function_after_every_module_was_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some of them write there
    for module in pkgutil.walk_packages(workbench.__path__, "workbench."):
        __import__(module.name)
    for verb in (*VERBS, VERBS[0]):
        needed = ["nothing" for option in verb.options if option.required]
        answer: object = ""
        try:
            answer = getattr(workbench, verb.function)(*needed)
        except WorkbenchError as error:
            answer = error
        assert str(answer), verb.name


def test_the_verbs_are_the_methods_of_the_api() -> None:
    functions = inspect.getmembers(Workbench, inspect.isfunction)
    methods = {name for name, _ in functions if name[0] != "_"}
    assert methods == {verb.function for verb in VERBS}


def test_every_verb_has_a_function_with_the_options_of_its_spec() -> None:
    for verb in VERBS:
        parameters = inspect.signature(getattr(workbench, verb.function)).parameters
        assert {option.name for option in verb.options if not option.shown} <= set(parameters), verb.name
    assert set(dir(workbench)) >= {verb.function for verb in VERBS} | {
        "client",
        "get",
        "register",
        "Workbench",
        "__version__",
    }
    assert workbench.__version__ == "0.1.0"


def test_the_api_takes_what_the_specs_declare() -> None:
    for verb in VERBS:
        parameters = inspect.signature(getattr(Workbench, verb.function)).parameters
        declared = {option.name for option in verb.options} - {"json", "cell"}
        assert declared <= set(parameters), verb.name
        beyond = set(parameters) - declared - {"self", "session", "cell", "told"}
        assert not beyond, (verb.name, beyond)
