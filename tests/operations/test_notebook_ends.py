"""How a run goes on after a failure, what it shows to whom, and what it hides."""

from __future__ import annotations

import email.policy
import os
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import nbformat
import pytest
from mail_servers import MailServer
from notebook_parts import TELL, notebook, of, printed
from waiting import until

from workbench.api import Workbench
from workbench.errors import JobFailed, UsageError

FIRST = f"{TELL}\nwith open('ran', 'a') as file: file.write('x')"


def failed(api: Workbench, folder: Path, *cells: str, **options: Any) -> Any:
    """A run of these cells whose third raises, and which waits with its kernel."""
    notebook(folder, FIRST, *cells, parameters="month = 1")
    with pytest.raises(JobFailed):
        api.batch("nb.ipynb", output="out.ipynb", parameters={"month": 2}, wait=True, **options)
    [run] = api.runs()
    assert "its kernel waits for" in str(run)
    return run


def test_a_run_that_failed_goes_on_in_its_kernel(api: Workbench, tmp_path: Path) -> None:
    run = failed(api, tmp_path, "1 / 0", "print('end', month)")
    kernel = of(tmp_path)
    notebook(tmp_path, FIRST, "print('corrected')", "print('end', month)", parameters="month = 1")
    api.resume(run.name)
    run = api.wait(run.name)
    assert (tmp_path / "ran").read_text() == "x"
    assert printed("out.ipynb") == ["told", "corrected", "end 2"]
    assert (run.facts["cell"], run.facts["cells"]) == (4, 4)
    assert "went on in its kernel, after 3 cells that had run" in str(run)
    until(lambda: not kernel.alive())


def test_it_may_fail_again_and_go_on_again(api: Workbench, tmp_path: Path) -> None:
    run = failed(api, tmp_path, "import workbench\nworkbench.result(a=1)\n1 / 0", "workbench.result(b=2)\n{}['b']")
    for fixed in ("import workbench\nworkbench.result(a=1)", "import workbench\nworkbench.result(a=1)"):
        last = "workbench.result(b=2)" + "\n{}['b']" * (run.facts["cell"] == 3)
        notebook(tmp_path, FIRST, fixed, last, parameters="month = 1")
        cell = run.facts["cell"]
        api.resume(run.name)
        until(lambda cell=cell, run=run: run.refresh().facts["cell"] > cell or run.refresh().state == "done")
        run = until(lambda run=run: (again := run.refresh()).job.over and again)
    assert run.state == "done"
    assert run.results == {"a": 1, "b": 2}
    assert (tmp_path / "ran").read_text() == "x"


def test_what_ran_before_and_was_changed_is_run_again_in_a_new_kernel(api: Workbench, tmp_path: Path) -> None:
    run = failed(api, tmp_path, "1 / 0")
    kernel = of(tmp_path)
    notebook(tmp_path, FIRST + "\nprint('changed')", "print('end')", parameters="month = 1")
    api.resume(run.name)
    run = api.wait(run.name)
    assert (tmp_path / "ran").read_text() == "xx"
    assert "ran again from its first cell, in a new kernel: what had run before was changed" in str(run)
    assert not kernel.alive()


def test_a_kernel_that_waits_ends_with_its_run_and_with_all(api: Workbench, tmp_path: Path) -> None:
    run = failed(api, tmp_path, "1 / 0")
    kernel = of(tmp_path)
    api.remove(run.name)
    assert not kernel.alive()
    failed(api, tmp_path, "1 / 0")
    kernel = of(tmp_path)
    api.shutdown(all=True)
    until(lambda: not kernel.alive())


def test_the_whole_run_may_take_so_long(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, TELL, "while True: pass", "print('never')")
    with pytest.raises(JobFailed, match=r"failed in cell 2: the run took longer than 10 s"):
        api.batch("nb.ipynb", output="out.ipynb", limit=10, wait=True)
    assert printed("out.ipynb") == ["told"]
    until(lambda: of(tmp_path) is None)


ENDS = {
    "os._exit(3)": "a cell ended it with exit code 3",
    "os.kill(os.getpid(), 9)": "killed by SIGKILL, as happens when memory runs out",
    "os.kill(os.getpid(), 11)": "killed by SIGSEGV",
}


@pytest.mark.parametrize("cell", ENDS)
def test_what_became_of_a_kernel_is_told(cell: str, api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, TELL, cell, "print('never')")
    with pytest.raises(JobFailed, match=f"failed in cell 2: its kernel died: {ENDS[cell]}"):
        api.batch("nb.ipynb", wait=True)


FIGURE = """\
from matplotlib.figure import Figure
figure = Figure()
figure.subplots().plot([1, 2])
import workbench
workbench.result(auc=0.9, curve=figure)
figure"""


def test_a_page_for_readers(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "# A title", "a = 'not for readers'\nprint('for all')", FIGURE)
    run = api.batch("nb.ipynb", output="report.html", no_code=True, wait=True)
    assert run.output == str(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "for all" in page
    assert "A title" in page
    assert "data:image/png" in page
    assert "not for readers" not in page
    assert 'src="http' not in page
    api.batch("nb.ipynb", output="code.html", wait=True)
    assert "not for readers" in (tmp_path / "code.html").read_text()
    with pytest.raises(UsageError, match="--no-code is for a page"):
        api.batch("nb.ipynb", no_code=True)


class Inbox:
    """What a server took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 OK"


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    made = Inbox()
    controller = MailServer(made)
    controller.start()
    monkeypatch.setenv("WORKBENCH_SMTP_URL", f"smtp://127.0.0.1:{controller.port}")
    monkeypatch.setenv("WORKBENCH_MAIL_FROM", "workbench@example.org")
    yield made
    controller.stop()


def test_a_report_is_mailed_with_its_figures_and_page(api: Workbench, tmp_path: Path, inbox: Inbox) -> None:
    notebook(tmp_path, FIGURE)
    to = {"notify": "me@example.org", "notify_on": "done"}
    api.batch("nb.ipynb", output="report.html", no_code=True, wait=True, **to)
    mail = until(lambda: inbox.mails and inbox.mails[0])
    assert mail["subject"] == "run/1 done"
    assert "auc 0.9" in mail.get_body(("plain",)).get_content()
    shown = mail.get_body(("html", "related"))
    assert "cid:" in shown.as_string()
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds.count("image/png") == 1
    assert [part.get_filename() for part in mail.iter_attachments()] == ["report.html"]


def test_secrets_are_read_where_it_runs_and_hidden_in_what_it_shows(api: Workbench, tmp_path: Path) -> None:
    (tmp_path / "env").write_text('PASSPHRASE=open sesame\nDB_PASSWORD="tell\'nobody"\n')
    cells = ("print(key)", "import os\nos.environ['DB_PASSWORD']", "import workbench\nworkbench.result(a=key, n=1)")
    notebook(tmp_path, *cells, "raise ValueError(key)", parameters="key = ''")
    with pytest.raises(JobFailed, match=r"ValueError: \*\*\*"):
        api.batch("nb.ipynb", output="out.ipynb", parameters={"key": "${PASSPHRASE}"}, env_file="env", wait=True)
    for file in [tmp_path / "out.ipynb", *(p for p in api.home.rglob("*") if p.is_file())]:
        assert b"sesame" not in file.read_bytes(), file
    text = (tmp_path / "out.ipynb").read_text()
    assert "tell'nobody" not in text
    assert "environ['PASSPHRASE']" in text
    assert printed("out.ipynb") == ["***"]
    [run] = api.runs()
    assert run.results == {"a": "***", "n": 1}
    assert run.job.spec["parameters"] == {"key": "${PASSPHRASE}"}
    with pytest.raises(JobFailed, match="which is not set where the run is"):
        api.batch("nb.ipynb", parameters={"key": "${PASSPHRASE}"}, wait=True)


def test_a_page_is_left_alone_by_a_run_that_fails(api: Workbench, tmp_path: Path) -> None:
    notebook(tmp_path, "print(1)")
    api.batch("nb.ipynb", output="report.html", wait=True)
    before = os.stat("report.html").st_mtime_ns
    notebook(tmp_path, "1 / 0")
    with pytest.raises(JobFailed):
        api.batch("nb.ipynb", output="report.html", hold=0, wait=True)
    assert os.stat("report.html").st_mtime_ns == before
    [_, run] = api.runs()
    assert any(cell.get("outputs") for cell in nbformat.read(run.facts["output"], as_version=4).cells)
