"""Parameters of a notebook that are more than a value: frames by their place, one of several, and secrets."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from notebook_parts import TELL, notebook, printed

from workbench.api import Workbench
from workbench.errors import NotFound, UsageError, WorkbenchError
from workbench.faces import shell
from workbench.patterns.batch import parameters

PARAMETERS = """\
from typing import Literal
import datetime
import pandas as pd
customers: pd.DataFrame = None  # who is scored
prices = pd.read_csv("prices.csv")
size: Literal["small", "large"] = "small"  # of the machine
level: Literal[1, 2] | None = None
days: list[int] = [1, 2]
since = datetime.date(2013, 7, 1)
key = ""
"""
SHOW = "print(len(customers), customers['age'].sum(), len(prices), size, level, days)"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    pd.DataFrame({"age": [30, 50]}).to_parquet(tmp_path / "new.parquet")
    pd.DataFrame({"price": [1.0]}).to_csv(tmp_path / "prices.csv", index=False)
    pd.DataFrame({"price": [1.0, 2.0]}).to_json(tmp_path / "others.jsonl", orient="records", lines=True)
    notebook(tmp_path, TELL, SHOW, parameters=PARAMETERS)
    return tmp_path


def test_a_frame_is_read_from_where_it_is_said_to_be(api: Workbench, files: Path) -> None:
    with closing(sqlite3.connect("in.db")) as there:
        pd.DataFrame({"age": [30, 50]}).to_sql("people", there, index=False)
    (files / "own.env").write_text(f"DATABASE=sqlite:///{files}/in.db\n")
    given = {"prices": "others.jsonl", "size": "large", "level": "2", "days": "[3]"}
    given["customers"] = "${DATABASE}?table=people"
    api.batch("nb.ipynb", parameters=given, output="out.ipynb", env_file="own.env", wait=True)
    assert printed("out.ipynb") == ["told", "2 80 2 large 2 [3]"]
    source = parameters.source(parameters.check(files / "nb.ipynb", {"customers": "new.parquet"}))
    assert source.endswith(f"customers = read_frame('{files}/new.parquet')")


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no file": ({"customers": "old.parquet"}, "parameter customers: there is no file", ""),
    "no frame": ({"customers": "nb.ipynb"}, "parameter customers: ", ""),
    "a frame": ({"customers": pd.DataFrame({"a": [1]})}, "reads from a file or a table", "customers.to_parquet("),
    "a password": (
        {"customers": "postgresql://me:pass@db/a?table=t"},
        "customers holds a password",
        "${DATABASE}?table=",
    ),
    "no choice": ({"size": "huge"}, "parameter size is 'small' or 'large', not 'huge'", "-p size='small'"),
    "no number": ({"level": 3}, "parameter level is 1 or 2, not 3", "-p level="),
    "no list": ({"days": "3"}, "parameter days is a list, not '3'", "-p days=[1, 2]"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_before_a_kernel_starts(case: str, api: Workbench, files: Path) -> None:
    given, said, fix = REFUSED[case]
    with pytest.raises(WorkbenchError, match=said) as caught:
        api.batch("nb.ipynb", parameters=given, wait=True)
    assert isinstance(caught.value, (UsageError, NotFound)) or case == "no frame"
    assert fix in str(caught.value)
    assert not list(api.runs())


def test_help_lists_them(files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(files)
    assert shell.main(["batch", "nb.ipynb", "--help"]) == 0
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "parameters of nb.ipynb" in said
    assert "-p size='small' 'small' or 'large' · of the machine" in said
    assert "-p since=2013-07-01 date" in said
    assert "-p customers=None frame · who is scored" in said


def test_a_secret_that_is_written_out_is_refused(api: Workbench, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "s3cr3t-of-ours")
    for given in ({"key": "s3cr3t-of-ours"}, {"key": "Bearer s3cr3t-of-ours"}, {"days": ["s3cr3t-of-ours"]}):
        with pytest.raises(UsageError, match="holds the value of API_KEY") as caught:
            api.batch("nb.ipynb", parameters=given)
        assert "='${API_KEY}'" in str(caught.value)
        assert "s3cr3t" not in str(caught.value)
    assert not list(api.runs())


def test_secrets_are_hidden_in_all_that_is_handed_back(api: Workbench, tmp_path: Path) -> None:
    (tmp_path / "own.env").write_text("API_KEY=s3cr3t-of-ours\n")
    give = (
        "import pandas as pd, workbench\n"
        "class Page:\n    def write_html(self, file):\n        open(file, 'w').write(f'<b>{key}</b>')\n"
        "workbench.result(said=key, frame=pd.DataFrame({'a': [key, None, 'x'], 'n': [1, 2, 3]}), page=Page())"
    )
    notebook(tmp_path, give, parameters='key = ""')
    run = api.batch("nb.ipynb", parameters={"key": "${API_KEY}"}, env_file="own.env", wait=True)
    assert run.results["said"] == "***"
    assert run.results["frame"]["a"].fillna("").tolist() == ["***", "", "x"]
    assert run.results["frame"]["n"].tolist() == [1, 2, 3]
    assert Path(run.results["page"]).read_text() == "<b>***</b>"
    kept = [file for file in api.running.store.folder.rglob("*") if file.is_file()]
    assert kept
    assert not [file for file in kept if b"s3cr3t" in file.read_bytes()]
