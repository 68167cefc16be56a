"""The clients of the serving world ask a service unchanged, each in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from customer_models import CUSTOMERS, frame_model
from tensor_models import EACH, SIMPLE, same, simple, simple_string

from workbench.api import Workbench

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    workbench.model("simple", simple, example=SIMPLE)
    workbench.model(
        "simple_string", simple_string, example={n: v.astype(str).astype(object) for n, v in SIMPLE.items()}
    )
    workbench.model("simple_identity", same, example=pd.DataFrame({"text": ["a", "b"]}))
    workbench.model("kinds", same, example=EACH)
    workbench.model("churn", frame_model, example=CUSTOMERS)
    yield workbench
    workbench.shutdown(all=True)


def asked(script: str, python: Path | str, *args: str) -> None:
    run = subprocess.run([str(python), str(HERE / script), *args], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, "right\n"), run.stdout + run.stderr


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        ("simple", ["infers", "asynchronous", "told", "refuses"]),
        ("simple_string", ["texts"]),
        ("simple_identity", ["identity"]),
        ("kinds", ["datatypes"]),
    ],
)
def test_triton(api: Workbench, model: str, parts: list[str]) -> None:
    service = api.serve(model, no_token=True)
    asked("triton_asks.py", sys.executable, service.url.removeprefix("http://"), *parts)


@pytest.fixture(scope="module")
def kserve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has KServe, which needs another pandas than ours."""
    place = tmp_path_factory.mktemp("kserve") / "env"
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else str(shutil.which("uv"))
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(place)], check=True)
    python = place / "bin" / "python"
    made = subprocess.run(
        [uv, "pip", "install", "-q", "--python", str(python), "kserve>=0.15"], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"KServe cannot be installed here: {made.stderr.strip()[-300:]}")
    return python


@pytest.mark.slow
def test_kserve(api: Workbench, kserve: Path) -> None:
    """Metadata, readiness and inference by JSON and binary tensors, with the token."""
    service = api.serve("churn")
    asked("kserve_asks.py", kserve, service.url, service.token)
