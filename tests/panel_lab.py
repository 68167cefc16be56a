"""A real JupyterLab with the side panel, built as `pip install` builds it, in folders of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from waiting import until

ROOT = Path(__file__).parents[2]
PANEL = "deployment-workbench-jupyterlab"
TOKEN = "only-for-this-test"


def built(into: Path) -> Path:
    """The panel's wheel, unpacked: a folder for JUPYTER_PATH."""
    source = into / "source"
    leave = shutil.ignore_patterns("node_modules", "lib", "labextension", ".yarn")
    shutil.copytree(ROOT / "extensions" / "jupyterlab", source, ignore=leave)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(into), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = into.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(into / "wheel")
    return next((into / "wheel").glob("*.data/data/share/jupyter"))


@contextmanager
def lab(folder: Path, jupyter: Path, home: Path) -> Iterator[str]:
    """JupyterLab over `folder/files`; the address of its page, with its token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "files").mkdir()
    shutil.copytree(ROOT / "jupyter-config", folder / "CONFIG")
    places = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    env = {**os.environ, **places, "JUPYTER_PATH": str(jupyter), "WORKBENCH_HOME": str(home)}
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--port={port}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder / 'files'}"]
    command += ["--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder)
        try:
            until(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{port}/api"), "JupyterLab answers")
            assert process.poll() is None, (folder / "lab.log").read_text()
            yield f"http://127.0.0.1:{port}/lab?token={TOKEN}&reset"
        finally:
            process.terminate()
            process.wait(20)


def answers(url: str) -> bool:
    """Whether something answers there."""
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
