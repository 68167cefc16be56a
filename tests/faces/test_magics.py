from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import workbench
from workbench.faces import magics
from workbench.specs.verbs import VERBS

SHORT = {spec.name for spec in VERBS if spec.short} | {"workbench"}


@pytest.fixture(autouse=True)
def _no_warm_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_WARM", "0")


def _magics(shell: InteractiveShell, kind: str) -> set[str]:
    return SHORT & set(shell.magics_manager.magics[kind])


def test_the_extension_loads_twice_and_unloads(bare_shell: InteractiveShell) -> None:
    workbench.load_ipython_extension(bare_shell)
    workbench.load_ipython_extension(bare_shell)
    assert _magics(bare_shell, "line") == SHORT
    assert _magics(bare_shell, "cell") == {"model", "workbench"}
    matchers = len(bare_shell.Completer.custom_matchers)
    workbench.unload_ipython_extension(bare_shell)
    assert _magics(bare_shell, "line") == _magics(bare_shell, "cell") == set()
    assert len(bare_shell.Completer.custom_matchers) == matchers - 1


def test_it_says_how_to_begin_once_for_a_home(
    bare_shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "new" / "home"))
    magics.load(bare_shell)
    assert capsys.readouterr().out == (
        "Workbench: %%model NAME --example FRAME captures this notebook's model · %workbench --help\n"
    )
    assert (tmp_path / "new" / "home").stat().st_mode & 0o777 == 0o700
    magics.load(bare_shell)
    assert capsys.readouterr().out == ""


def test_a_home_that_cannot_be_made_is_no_reason_to_fail(
    bare_shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file" / "home"))
    magics.load(bare_shell)
    assert _magics(bare_shell, "line") == SHORT


def test_the_magic_of_another_extension_stays_its_own(
    bare_shell: InteractiveShell, api: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    bare_shell.register_magic_function(lambda line: "theirs", "line", "predict")
    magics.load(bare_shell, lambda: api)
    assert f"Workbench: %predict belongs to {__name__} here; write %workbench predict" in capsys.readouterr().out
    assert bare_shell.run_line_magic("predict", "churn X") == "theirs"
    bare_shell.run_line_magic("workbench", "predict churn 'rows.csv'")
    assert api.asked()["input"] == "rows.csv"


def test_loading_imports_nothing_heavy(bare_shell: InteractiveShell) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()\n"
        "s.run_line_magic('load_ext', 'workbench')\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'argparse', 'sqlalchemy'} & set(sys.modules) - before))"
    )
    before = "import IPython.core.interactiveshell, sys; before = set(sys.modules)\n"
    ran = subprocess.run([sys.executable, "-c", before + code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
