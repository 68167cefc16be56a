from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import workbench
from workbench.errors import UsageError
from workbench.faces.functions import function, names
from workbench.specs.verbs import VERBS


@pytest.mark.parametrize("spec", VERBS, ids=lambda spec: spec.name)
def test_each_verb_is_a_function_with_its_options(spec: Any) -> None:
    made = getattr(workbench, spec.function)
    signature = inspect.signature(made)
    assert set(signature.parameters) == {option.name for option in spec.options}
    for option in spec.options:
        expected = inspect.Parameter.empty if option.required else option.default
        assert signature.parameters[option.name].default is expected
        assert " ".join(option.help.split()) in " ".join((made.__doc__ or "").split())
    assert (made.__name__, made.__module__) == (spec.function, "workbench")


@pytest.mark.parametrize("spec", VERBS, ids=lambda spec: spec.name)
def test_the_api_takes_the_same_options(spec: Any) -> None:
    parameters = inspect.signature(getattr(workbench.Workbench, spec.function)).parameters
    asked = {option.name: option for option in spec.options if not option.shown}
    assert set(asked) <= set(parameters)
    assert set(parameters) - set(asked) <= {"self", "session", "cell", "told"}
    for name, option in asked.items():
        assert parameters[name].default is (inspect.Parameter.empty if option.required else option.default)


def test_arguments_are_passed_on(api: Any) -> None:
    predict = function("predict", lambda: api)
    predict("churn", [1], output="out.csv")
    assert api.calls[-1] == (
        "predict",
        {"model": "churn", "input": [1], "output": "out.csv", "email": None, "env": None},
    )
    predict(model="churn", input="in.csv")
    assert api.asked()["output"] is None


def test_register_is_model(api: Any) -> None:
    function("register", lambda: api)(len, "churn", example=[1], row_wise=True)
    asked = api.asked()
    assert (asked["name"], asked["object"], asked["example"], asked["row_wise"]) == ("churn", len, [1], "yes")
    assert set(names()) == {*(spec.function for spec in VERBS), "client", "form", "get", "register", "result"}


def test_a_version_may_be_given_as_the_object(api: Any) -> None:
    version = type("Version", (), {"ref": "churn@2"})()
    function("predict", lambda: api)(version, [1])
    assert api.asked()["model"] == "churn@2"


def test_what_does_not_fit_is_said(api: Any) -> None:
    predict = function("predict", lambda: api)
    for call, message in (
        (lambda: predict("churn"), "workbench.predict needs INPUT"),
        (lambda: predict("churn", 1, 2), "workbench.predict takes model, input\n→ give the other options by name"),
        (lambda: predict("churn", 1, ouput=2), "workbench.predict has no option ouput\n→ did you mean output?"),
        (lambda: predict("churn", 1, input=2), "workbench.predict: input is given twice"),
        (lambda: function("source", lambda: api)("churn", cell=True), "there is no next cell outside a notebook"),
    ):
        with pytest.raises(UsageError) as refused:
            call()
        assert str(refused.value).startswith(message)


def test_unknown_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        workbench.nonsense  # noqa: B018


def test_a_live_notebook_is_found(shell: InteractiveShell, api: Any) -> None:
    shell.user_ns["model"] = function("model", lambda: api)
    shell.run_cell("def predict(X): return X", store_history=True)
    shell.run_cell("model('churn', example=[1])", store_history=True).raise_error()
    asked = api.asked()
    assert asked["object"] is shell.user_ns["predict"]
    assert asked["session"].namespace is shell.user_ns
    assert asked["cell"] == "In[2]"


def test_a_plain_script_registers_what_it_defines(tmp_path: Path, home: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import os, workbench\nimport pandas as pd\nX = pd.DataFrame({'age': range(120)})\nFACTOR = 3\n"
        "def predict(df):\n    return df['age'] * FACTOR + os.getpid() * 0\n"
        "print(workbench.model('scripted', example=X))\n"
    )
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert "scripted@1 ✓" in ran.stdout, ran.stderr
    assert "took  predict" in ran.stdout
