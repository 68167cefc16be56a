"""Everyday cells in a real kernel: captured, then scored in a fresh process after the notebook's folder is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from cells import CASES, Case
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

_SCORE = """
import pickle, sys
import numpy as np, pandas as pd
import workbench
X, wanted = (pd.read_pickle(f"{sys.argv[1]}/{name}.pkl") for name in ("X", "y"))
answer = workbench.predict("case", pd.DataFrame(X) if isinstance(X, np.ndarray) else X)
column = next(c for c in answer.columns if c in ("prediction", "score"))
np.testing.assert_array_equal(np.asarray(answer[column]), np.asarray(wanted))
print(len(answer), "equal")
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[BlockingKernelClient]:
    folder = tmp_path / "notebook"
    folder.mkdir()
    manager: KernelManager
    manager, client = start_new_kernel(cwd=str(folder), env={**os.environ, "PYTHONHASHSEED": "random"})
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client: BlockingKernelClient, cell: str) -> str:
    """What the cell printed; its error fails the test with the text that a person would see."""
    printed: list[str] = []

    def keep(message: dict[str, dict[str, str]]) -> None:
        if message["header"]["msg_type"] == "stream":
            printed.append(message["content"]["text"])
        elif message["header"]["msg_type"] in ("execute_result", "display_data"):
            printed.append(message["content"]["data"]["text/plain"])  # type: ignore[index]

    reply = client.execute_interactive(cell, output_hook=keep, timeout=120)
    if reply["content"]["status"] == "error":
        raise AssertionError("\n".join(reply["content"]["traceback"]) + "\n" + "".join(printed))
    return "".join(printed)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_everyday_cells_answer_the_same_elsewhere(case: Case, kernel: BlockingKernelClient, tmp_path: Path) -> None:
    folder, kept = tmp_path / "notebook", tmp_path / "kept"
    kept.mkdir()
    for name, text in case.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    run(kernel, "%load_ext workbench")
    for cell in case.setup:
        run(kernel, cell)
    card = run(kernel, f"%%model case --example X {case.options}\n{case.model}")
    assert "case@1 ✓ a clean process answers what this cell answered" in card, card
    run(kernel, f"import pandas as pd\npd.to_pickle(X, r'{kept}/X.pkl')\npd.to_pickle({case.entry}, r'{kept}/y.pkl')")
    shutil.rmtree(folder)
    script = tmp_path / "score.py"
    script.write_text(textwrap.dedent(_SCORE))
    ended = subprocess.run([sys.executable, str(script), str(kept)], capture_output=True, text=True, cwd=tmp_path)
    assert ended.stdout.endswith("equal\n"), ended.stdout + ended.stderr
