"""The questions of `advise` in a terminal and in a notebook."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from workbench.faces import interview
from workbench.operations.choosing import Interview


def chosen(form: Any) -> list[Any]:
    """The choices of a form."""
    return [box.children[1] for box in form.children[:-1]]


def test_the_advice_stands_below_the_form_once_all_is_answered() -> None:
    form = interview.form(Interview("churn", {"rows": "one", "changes": "no"}))
    who, soon, often = chosen(form)
    who.value, soon.value = "program", "seconds"
    assert form.children[-1].value == ""
    often.value = "always"
    assert "<b" not in form.children[-1].value.split("fits")[0] or "serving" in form.children[-1].value
    assert "serving fits" in form.children[-1].value
    who.value = "events"
    assert "streaming fits" in form.children[-1].value


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_in_a_terminal_it_asks_one_by_one() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "workbench", "advise", "churn"]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"program\nnonsense\n3\n3\n\nno\n")
    said = b""
    while b"next" not in said:
        said += os.read(ours, 4096)
    assert process.wait(30) == 0
    text = said.decode()
    assert "one of hours, minutes, seconds, or its number" in text
    assert "serving fits" in text
    assert "workbench serve churn" in text
