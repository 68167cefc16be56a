"""MLflow's own scoring client drives a service, from an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from customer_models import CUSTOMERS, array_model, frame_model

from workbench.api import Workbench

SCRIPT = Path(__file__).with_name("mlflow_asks.py")


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has MLflow, and neither Workbench nor what it needs."""
    place = tmp_path_factory.mktemp("mlflow") / "env"
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else str(shutil.which("uv"))
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(place)], check=True)
    python = place / "bin" / "python"
    pins = ["mlflow-skinny", "scipy", f"pandas=={pd.__version__}", f"numpy=={np.__version__}"]
    subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *pins], check=True)
    return python


@pytest.mark.slow
def test_mlflow_drives_a_service(api: Workbench, mlflow: Path) -> None:
    api.model("churn", frame_model, example=CUSTOMERS)
    api.model("sums", array_model, example=np.ones((4, 3)))
    ports = [str(api.serve(name, no_token=True).facts["port"]) for name in ("churn", "sums")]
    run = subprocess.run([str(mlflow), str(SCRIPT), *ports], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, "right\n"), run.stdout + run.stderr
