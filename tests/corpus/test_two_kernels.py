"""Two notebooks that register the same model at the same time."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_client.manager import start_new_kernel

from workbench.api import Workbench

CELL = """%load_ext workbench
import pandas as pd
X = pd.DataFrame({{"a": range(300)}})
def predict(df):
    return df["a"] * {factor}
get_ipython().run_cell_magic("model", "shared --example X", "def predict(df):\\n    return df['a'] * {factor}")
"""


def test_each_gets_a_version_of_its_own(tmp_path: Path, home: Path) -> None:
    started = [start_new_kernel(cwd=str(tmp_path), env=dict(os.environ)) for _ in range(2)]
    try:
        asked = [client.execute(CELL.format(factor=factor)) for factor, (_, client) in enumerate(started, 2)]
        replies = [client.get_shell_msg(timeout=120) for _, client in started]
        for reply, message in zip(replies, asked, strict=True):
            assert reply["parent_header"]["msg_id"] == message
            assert reply["content"]["status"] == "ok", reply["content"]
    finally:
        for manager, client in started:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    workbench = Workbench(home)
    versions = workbench.registry.versions("shared")
    assert [v.version for v in versions] == [1, 2]
    answers = {workbench.predict(v.ref, {"a": [7]})["prediction"].item() for v in versions}
    assert answers == {14, 21}
