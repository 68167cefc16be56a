"""A peer's packages -> an environment of their own, made once and kept under `build/peers`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "build" / "peers"
PEERS = {
    "MLServer": ("mlserver",),
    "BentoML": ("bentoml",),
    "LitServe": ("litserve",),
    "MLflow": ("mlflow",),
    "Dask": ("dask[dataframe]", "pyarrow"),
    "Ray Data": ("ray[data]", "pyarrow"),
    "Spark": ("pyspark", "pyarrow", "setuptools"),
    "MLflow in Spark": ("mlflow", "pyspark", "pyarrow", "setuptools"),
    "FastStream": ("faststream[redis,confluent]", "orjson"),
    "Quix Streams": ("quixstreams", "orjson"),
    "Bytewax": ("bytewax[kafka]", "orjson"),
}
"""What `pip` installs for each peer, beside what the models need in the versions that they have here."""
NEEDS = {"Spark": "java", "MLflow in Spark": "java"}
"""Programs that `pip` does not install."""
SHARED = ("numpy", "pandas", "scikit-learn")


class NotInstalled(Exception):
    """Why a peer cannot be run here, in the last words of pip."""


def environment(peer: str) -> Path:
    """The Python of a peer's environment; made where it is not there, or has other versions."""
    folder = _folder(peer)
    if peer in NEEDS and shutil.which(NEEDS[peer]) is None:
        raise NotInstalled(f"there is no {NEEDS[peer]} here")
    wanted = [*PEERS[peer], *(f"{name}=={version(name)}" for name in SHARED)]
    made = folder / "installed"
    if not made.exists() or made.read_text().split() != wanted:
        _make(folder, wanted)
        made.write_text("\n".join(wanted))
    return folder / "bin" / "python"


def _folder(peer: str) -> Path:
    return FOLDER / peer.lower().replace(" ", "-")


def _make(folder: Path, packages: list[str]) -> None:
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            raise NotInstalled(next((line for line in said if line.startswith("ERROR")), said[-1])[:200])


def installed(peer: str) -> str:
    """`MLServer 1.7.1`."""
    package = PEERS[peer][0].partition("[")[0]
    code = f"from importlib.metadata import version; print(version({package!r}))"
    said = subprocess.run([str(_folder(peer) / "bin" / "python"), "-c", code], capture_output=True, text=True)
    return f"{peer} {said.stdout.strip()}"
