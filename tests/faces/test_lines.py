"""What a verb does, on a terminal and in a pipe."""

from __future__ import annotations

import subprocess
import sys

from terminals import on_a_terminal

_WORK = """
import time
from workbench import stages
from workbench.faces import working
from workbench.specs.verbs import verb
working.PATIENCE = {patience}
drawn = []
made = working.Working._draw
working.Working._draw = lambda self: (made(self), drawn.append(self))
with working.on(verb("promote"), {{"model": "churn@2"}}):
    end = time.monotonic() + {wait}
    while not drawn and time.monotonic() < end:
        time.sleep(0.005)
    stages.say("service/churn loads [what] comes")
print("done")
"""


def test_a_terminal_shows_what_is_done_and_nothing_of_it_stays() -> None:
    shown = on_a_terminal(_WORK.format(patience=0, wait=30))
    assert "promote churn@2 · service/churn loads [what] comes" in shown
    assert shown.rstrip().endswith("done")


def test_short_work_shows_nothing() -> None:
    assert on_a_terminal(_WORK.format(patience=60, wait=0)) == "done\r\n"


_COUNTED = """
from workbench.data.progress import Progress
from workbench.faces import working
from workbench.specs.verbs import verb
working.PATIENCE = 0
with working.on(verb("predict"), {"model": "churn"}), Progress("churn", patience=0) as progress:
    for done in range(1, 4):
        progress.advance(1000, None, done / 4)
"""


def test_what_is_counted_has_a_bar_in_its_line() -> None:
    shown = on_a_terminal(_COUNTED)
    assert "━" in shown
    assert " of 4 000 rows · " in shown
    assert "rows/s" in shown


def test_a_pipe_gets_nothing() -> None:
    command = [sys.executable, "-c", _WORK.format(patience=0, wait=0)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("done\n", "")
