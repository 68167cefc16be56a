"""Variables of the environment in source: which are read, and which values must not be stored."""

from __future__ import annotations

import ast
import os

import pytest
from shell import Notebook

from workbench.capture.environment import variables
from workbench.errors import CaptureRefused


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("os.environ['A']", {"A"}),
        ("os.environ.get('A', 1) or environ['B']", {"A", "B"}),
        ("os.getenv('A') + getenv('B', '')", {"A", "B"}),
        ("'A' in os.environ", {"A"}),
        ("env[NAME]", {"C"}),
        ("os.environ['A'] = '1'", set()),
        ("table['A'] + d.get('B')", set()),
    ],
)
def test_reads_are_told_by_name(text: str, found: set[str]) -> None:
    assert variables(ast.parse(text), {"env": os.environ, "NAME": "C"}) == found


def test_a_value_is_stored_only_where_the_notebook_itself_says_it(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WBT_TOKEN", "s3cret-token")
    monkeypatch.setenv("WBT_PLACE", "before")
    notebook.run(
        "import os\nos.environ['WBT_PLACE'] = '/data/lake'\nplace = os.environ['WBT_PLACE']\nfile = place + '/x'"
    )
    notebook.run("key = os.environ['WBT_TOKEN']\nurl = 'https://' + key", "def predict(v): return file, key")
    source = notebook.capture().source
    assert "file = '/data/lake/x'" in source
    assert "key = os.environ['WBT_TOKEN']" in source
    notebook.run("def predict(v): return url")
    with pytest.raises(CaptureRefused, match="url holds the value of the environment variable WBT_TOKEN"):
        notebook.capture()
