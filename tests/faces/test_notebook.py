from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from workbench.errors import CaptureRefused, UsageError
from workbench.faces import helptext
from workbench.specs.verbs import verb


def test_a_line_is_a_call(run: Any, api: Any) -> None:
    run("import numpy as np\nX = np.zeros((3, 2))")
    assert run("%workbench predict churn X[:2] -o out.csv  # the first rows") == api.calls[-1]
    name, options = api.calls[-1]
    assert name == "predict"
    assert options["input"].shape == (2, 2)
    assert {k: v for k, v in options.items() if k != "input"} == {
        "model": "churn",
        "output": "out.csv",
        "email": None,
        "env": None,
    }


def test_the_short_magic_is_the_long_one(run: Any, api: Any) -> None:
    run("%workbench predict churn 'a.csv'")
    run("%predict churn 'a.csv'")
    assert api.calls[0] == api.calls[1]


def test_a_magic_in_a_function_sees_its_names(run: Any, api: Any) -> None:
    run("def score(path):\n    %predict churn {path}\nscore('rows.csv')")
    assert api.asked()["input"] == "rows.csv"


def test_an_output_is_never_an_expression(run: Any, api: Any) -> None:
    run("scored = 1")
    run("%predict churn rows.csv -o scored")
    assert api.asked()["output"] == "scored"


def test_a_semicolon_silences(run: Any, api: Any) -> None:
    assert run("%predict churn rows.csv;") is None
    assert api.asked()["input"] == "rows.csv"


@pytest.mark.parametrize("line", ["predict(X)", "predict[0]", "predict", "%predict = 3", "%predict .head()"])
def test_a_call_after_a_restart_is_no_magic(run: Any, line: str) -> None:
    with pytest.raises(UsageError) as refused:
        run(line)
    assert str(refused.value) == (
        "predict is not defined in this kernel (run its cell).\n→ for the magic: %predict MODEL INPUT"
    )


def test_help_is_printed(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    predict, model = (spec for name in ("predict", "model") if (spec := verb(name)))
    for cell, text in {
        "%workbench": helptext.overview("%workbench"),
        "%workbench --help": helptext.overview("%workbench"),
        "%predict --help": helptext.verb_help(predict, "%predict"),
        "%workbench predict -h": helptext.verb_help(predict, "%workbench predict"),
        "%%model --help\nx = 1": helptext.verb_help(model, "%%model"),
    }.items():
        run(cell)
        assert capsys.readouterr().out == f"{text}\n"


def test_lines_that_are_wrong_run_no_cell(run: Any, shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="did you mean --example"):
        run("%%model churn --exampel X\nran = 1")
    assert "ran" not in shell.user_ns


def test_a_model_cell_runs_and_is_captured(run: Any, api: Any, shell: InteractiveShell) -> None:
    run("before = 1")
    run(
        "%%model churn --example X[:2] --target y -m 'first try'\nX, y = [1, 2, 3], [1, 2]\ndef predict(X):\n    return X"
    )
    asked = api.asked()
    assert asked["object"] is shell.user_ns["predict"]
    assert (asked["name"], asked["example"], asked["target"], asked["note"]) == ("churn", [1, 2], [1, 2], "first try")
    assert asked["cell"] == "In[2]"
    assert [cell.number for cell in asked["session"].cells] == [1, 2]
    assert asked["session"].cells[1].text.startswith("X, y = [1, 2, 3]")


@pytest.mark.parametrize(
    ("cell", "entry"),
    [
        ("predict = lambda X: X", "predict"),
        ("from functools import partial\npredict = partial(max)", "predict"),
        ("async def predict(X): return X", "predict"),
        ("from os.path import join as predict", "predict"),
        ("class Model:\n    def predict(self, X): return X", "Model"),
        ("class Model: pass\ndef predict(X): return X", "predict"),
        ("if True:\n    def predict(X): return X", "predict"),
        ("class C:\n    def predict(self, X): return X\nclf = C()\nclf", "clf"),
    ],
)
def test_what_a_cell_may_define(run: Any, api: Any, shell: InteractiveShell, cell: str, entry: str) -> None:
    run("predict = Model = None")
    run(f"%%model churn --example 'rows.csv'\n{cell}")
    assert api.asked()["object"] is shell.user_ns[entry]


def test_an_object_that_is_named_wins(run: Any, api: Any, shell: InteractiveShell) -> None:
    run("%%model churn scorer --example 'rows.csv'\ndef scorer(X): return X\ndef predict(X): return X")
    assert api.asked()["object"] is shell.user_ns["scorer"]


def test_a_cell_without_a_model_is_refused(run: Any) -> None:
    with pytest.raises(UsageError, match="→ rename score to predict, or end the cell with score"):
        run("%%model churn --example 'rows.csv'\ndef score(X):\n    def predict(X): ...\n    return X")
    with pytest.raises(UsageError, match="the cell defines no model"):
        run("%%model churn --example 'rows.csv'\nx = 1")


def test_a_cell_that_fails_is_not_captured(run: Any, api: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        CaptureRefused, match="the cell failed, so nothing was captured: ZeroDivisionError: division by"
    ):
        run("%%model churn --example 'rows.csv'\ndef predict(X): ...\n1 / 0")
    assert "1 / 0" in capsys.readouterr().out
    with pytest.raises(CaptureRefused, match="nothing was captured: SyntaxError"):
        run("%%model churn --example 'rows.csv'\ndef predict(X) ...")
    assert api.calls == []


def test_a_model_line_takes_what_the_notebook_has(run: Any, api: Any, shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="neither predict nor a class Model"):
        run("%model churn --example 'rows.csv'")
    run("def predict(X): return X")
    run("%model churn --example 'rows.csv'")
    assert api.asked()["object"] is shell.user_ns["predict"]


def test_only_models_take_a_cell(run: Any) -> None:
    with pytest.raises(UsageError, match="%%workbench models takes no cell"):
        run("%%workbench models\nx = 1")


def test_magics_within_a_model_cell_run(run: Any, api: Any) -> None:
    run("%%model churn --example 'rows.csv'\nhere = %pwd\ndef predict(X): return here")
    assert api.asked()["session"].cells[0].text.startswith("here = get_ipython()")
