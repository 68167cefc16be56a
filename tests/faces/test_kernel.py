"""What a person sees: a real kernel, spoken to as JupyterLab does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]
DATA = """
import numpy as np, pandas as pd
from sklearn.linear_model import LogisticRegression
rng = np.random.default_rng(0)
X = pd.DataFrame({"age": rng.normal(40, 9, 300), "calls": rng.integers(0, 9, 300)})
y = (X.age + X.calls > 44).astype(int)
clf = LogisticRegression().fit(X, y)
"""
MODEL = "%%model churn --example X --target y\ndef predict(frame):\n    return clf.predict_proba(frame)[:, 1]"


@dataclass
class Seen:
    """What a cell showed."""

    status: str
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)
    payload: list[dict[str, Any]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)


class Notebook:
    """A live kernel, a cell at a time."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def run(self, cell: str) -> Seen:
        seen = Seen("")

        def look(message: dict[str, Any]) -> None:
            content = message["content"]
            seen.pages.append(content.get("data", {}).get("text/html", ""))
            if message["msg_type"] == "stream":
                seen.text += content["text"]
            elif message["msg_type"] in ("execute_result", "display_data"):
                seen.data = content["data"]
            elif message["msg_type"] == "update_display_data":
                seen.stages.append(content["data"]["text/plain"])
            elif message["msg_type"] == "error":
                seen.error = content

        reply = self.client.execute_interactive(cell, timeout=120, output_hook=look)["content"]
        seen.status, seen.payload = reply["status"], reply.get("payload", [])
        return seen

    def complete(self, code: str) -> list[str]:
        reply = self.client.complete(code, reply=True, timeout=60)["content"]
        return [code[: reply["cursor_start"]] + match for match in reply["matches"]]


def _environment(home: Path) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "WORKBENCH_HOME": str(home), "PYTHONPATH": path, "JUPYTER_PLATFORM_DIRS": "1"}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """A kernel with the extension, some data, and `churn@1`."""
    folder = tmp_path_factory.mktemp("notebook")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=_environment(folder / "home"), cwd=str(folder))
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    live = Notebook(client)
    try:
        assert live.run("%load_ext workbench").text.startswith("Workbench: %%model NAME --example FRAME captures")
        assert live.run(DATA).status == "ok"
        captured = live.run(MODEL)
        assert captured.status == "ok", captured.error
        assert captured.data["text/plain"].startswith(
            "churn@1 ✓ a clean process answers what this cell answered (300 rows"
        )
        yield live
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_capture_shows_a_card_and_again_says_unchanged(notebook: Notebook) -> None:
    again = notebook.run(MODEL)
    assert again.data["text/plain"].startswith("churn@1 unchanged")
    assert '<b class="wb-name">churn@1</b>' in again.data["text/html"]
    assert again.stages == ["churn · reading what the model needs …", "churn · asking this kernel …", ""]


def test_a_proof_is_shown_as_it_goes_and_leaves_nothing_behind(notebook: Notebook) -> None:
    seen = notebook.run("%%model shown --example X\ndef predict(df):\n    return df.age * 2")
    proving, storing = "proving it in a clean process, 300 rows", "storing it as a version"
    assert seen.stages[-3:] == [f"shown · {proving} …", f"shown · {storing} …", ""]
    refused = notebook.run("%%model shown --example X\ndef predict(df):\n    return nowhere")
    assert (refused.stages[-1], refused.error["ename"]) == ("", "CaptureRefused")


_AT_ONCE = """
import os
from workbench.faces import working
os.environ["WORKBENCH_LIVE"], working.PATIENCE = "1", 0
begins = working.Working.__enter__
def drawn(self):
    begins(self)
    self._timer.join()  # its thread may be slower than the work
    return self
working.Working.__enter__ = drawn
"""


def test_what_takes_long_has_a_bar_where_a_browser_looks(notebook: Notebook) -> None:
    """Here without any patience, and without the browser."""
    assert notebook.run(_AT_ONCE).status == "ok"
    try:
        seen = notebook.run("%%model waited --example X\ndef predict(df):\n    return df.age * 3")
        (bar,) = [page for page in seen.pages if 'class="wb-steps"' in page]
        assert 'aria-current="step"' in bar
        assert "storing it as a version" in bar
        assert seen.stages[-1] == ""
        assert "data-hub" in seen.data["text/html"]
        proven = notebook.run("%workbench verify waited@1")
        assert any('wb-bar wb-endless"' in page for page in proven.pages)
        assert proven.stages[-1] == ""
        served = notebook.run("%serve waited@1")
        assert any("asking for its first answer" in page for page in served.pages)
        assert served.stages[-1] == ""
    finally:
        notebook.run("%workbench shutdown --all")
        notebook.run("del os.environ['WORKBENCH_LIVE']; working.PATIENCE, working.Working.__enter__ = 1.0, begins")


_WAITS = """
import time
from workbench.faces import live
hub = live.hub()
hub.send({})  # as while a card shows what goes on
print("works")
end = time.monotonic() + 60
while "browser" not in hub.following._watched and time.monotonic() < end:
    time.sleep(0.005)
assert "browser" in hub.following._watched
"""


def test_an_order_is_heard_while_a_cell_runs(notebook: Notebook) -> None:
    """It comes over a subshell, as JupyterLab sends it."""
    session, client = notebook.client.session, notebook.client
    client.control_channel.send(session.msg("create_subshell_request"))
    subshell = client.control_channel.get_msg(timeout=60)["content"]["subshell_id"]
    notebook.run("import os; os.environ['WORKBENCH_LIVE'] = '1'")
    comm = notebook.run("from workbench.faces import live; live.hub().comm.comm_id").data["text/plain"].strip("'")
    said = {"method": "custom", "content": {"do": "watch", "names": ["churn@1"], "client": "browser", "number": 1}}
    order = session.msg("comm_msg", {"comm_id": comm, "data": said})
    order["header"]["subshell_id"] = subshell

    def send(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            client.shell_channel.send(order)

    try:
        assert client.execute_interactive(_WAITS, timeout=120, output_hook=send)["content"]["status"] == "ok"
    finally:
        notebook.run("del os.environ['WORKBENCH_LIVE']")


def test_a_prediction_is_a_frame(notebook: Notebook) -> None:
    seen = notebook.run("scored = %predict churn X[X.age > 40].head(3)  # the first\nlist(scored.columns), len(scored)")
    assert seen.data["text/plain"] == "(['age', 'calls', 'prediction'], 3)"


def test_a_prediction_into_a_file(notebook: Notebook) -> None:
    notebook.run("name = 'scored'")
    seen = notebook.run("%predict churn X -o {name}.csv")
    assert seen.data["text/plain"].startswith("churn@1 ✓ 300 rows")
    assert "scored.csv" in seen.data["text/html"]
    assert notebook.run("len(pd.read_csv('scored.csv'))").data["text/plain"] == "300"


def test_a_service_is_measured_from_the_notebook(notebook: Notebook) -> None:
    try:
        card = notebook.run("%serve churn@1").data["text/html"]
        assert "as of 20" in card
        assert "data-hub" not in card, "no browser looks: the card stands by itself"
        seen = notebook.run("%workbench bench churn --seconds 0.4 --connections 2")
        assert seen.data["text/plain"].startswith("service/churn churn@1 · 1 worker, ")
        assert "<b>service/churn</b>" in seen.data["text/html"]
        assert notebook.run("list(_.frame().index)").data["text/plain"] == "[1, 2]"
    finally:
        notebook.run("%workbench shutdown --all")


def test_a_cell_that_was_edited_since_is_marked(notebook: Notebook, tmp_path: Path) -> None:
    file = tmp_path / "edited.ipynb"
    notebook.run(f"%env WORKBENCH_NOTEBOOK={file}")
    try:
        assert notebook.run("def later(frame):\n    return frame['age']").status == "ok"
        cells = [
            nbformat.v4.new_code_cell(DATA),
            nbformat.v4.new_code_cell("def later(frame):\n    return frame['calls']"),
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
        card = notebook.run("%workbench model edited later --example X").data["text/plain"]
    finally:
        notebook.run("%env WORKBENCH_NOTEBOOK=")
    assert " is no longer on the page: captured as it ran" in card


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("%workbench predct churn X", ["there is no verb 'predct'", "→ did you mean %workbench predict?"]),
        ("%predict churn X --ouput f", ["%predict has no option --ouput", "→ did you mean --output?"]),
        ("import workbench\nworkbench.predict('churn', X, ouput=1)", ["workbench.predict has no option ouput"]),
        ("%%model churn --example X\nawait later", ["a cell under a magic cannot await outside a function"]),
        ("%predict churm X", ["there is no model 'churm'"]),
        ("%predict churn X[['age']]", ["calls"]),
    ],
)
def test_an_error_is_one_block_without_traceback(notebook: Notebook, cell: str, lines: list[str]) -> None:
    seen = notebook.run(cell)
    assert seen.status == "error"
    shown = "\n".join(seen.error["traceback"])
    assert all(line in shown for line in lines)
    assert "Traceback" not in shown
    assert "File" not in shown
    assert len(seen.error["traceback"]) <= 3
    assert (seen.text, seen.data) == ("", {})


def test_help_in_a_notebook(notebook: Notebook) -> None:
    overview = " ".join(notebook.run("%workbench --help").text.split())  # columns are as wide as the longest verb
    assert "predictions predict predict offline" in overview
    assert notebook.run("%%model --help\n1 / 0").text.startswith("%%model NAME [OBJECT] [--example FRAME]")


def test_a_call_of_predict_after_a_restart(notebook: Notebook) -> None:
    notebook.run("del predict")
    seen = notebook.run("predict(X)")
    assert seen.error["traceback"] == [
        "predict is not defined in this kernel (run its cell).",
        "→ for the magic: %predict MODEL INPUT",
    ]
    notebook.run("def predict(frame):\n    return clf.predict_proba(frame)[:, 1]")


def test_the_source_goes_into_the_next_cell(notebook: Notebook) -> None:
    (payload,) = notebook.run("%workbench source churn --cell").payload
    assert payload["source"] == "set_next_input"
    assert "def predict(frame):" in payload["text"]


def test_json_reads_as_json(notebook: Notebook) -> None:
    seen = notebook.run(
        "import json\njson.loads(str(get_ipython().run_line_magic('workbench', 'models --json')))[0]['name']"
    )
    assert seen.data["text/plain"] == "'churn'"


def test_tab_over_the_protocol(notebook: Notebook) -> None:
    assert notebook.complete("%workbench pre") == ["%workbench predict"]
    assert notebook.complete("%predict churn@") == ["%predict churn@1"]
    assert notebook.complete("x = %predict ch") == ["x = %predict churn"]
    assert notebook.complete("%predict churn X --ou") == ["%predict churn X --output"]
    assert notebook.complete('%predict churn X[["age", "c') == ['%predict churn X[["age", "calls']
    assert notebook.complete("%%model churn --example X --target ca") == ["%%model churn --example X --target calls"]


def _executed(cells: list[str], home: Path) -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    manager = KernelManager(kernel_name="python3")
    client = nbclient.NotebookClient(notebook, km=manager, timeout=120)
    client.execute(env=_environment(home))
    return notebook


def test_a_cell_that_is_refused_fails_a_headless_run(home: Path) -> None:
    with pytest.raises(nbclient.exceptions.CellExecutionError) as failed:
        _executed(["%load_ext workbench", "%predict churn rows.csv", "ran = 1"], home)
    assert failed.value.ename == "NotFound"
    assert "there is no model 'churn'" in failed.value.evalue
    assert "Traceback" not in str(failed.value)


def test_a_model_cell_that_raises_fails_a_headless_run(home: Path) -> None:
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="nothing was captured: ZeroDivisionError"):
        _executed(["%load_ext workbench", "%%model churn\n1 / 0"], home)
