"""A model folder for `mlflow models serve`: `python -m peers.serve_mlflow FOLDER` writes it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import mlflow
from mlflow.models import infer_signature
from models import meant, predictor, table


class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        self.model = predictor()

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        if meant() == "frame":
            return self.model(model_input.assign(amount=model_input["amount"].astype(float)))
        return self.model(model_input)


def save(folder: Path) -> None:
    """The folder, with the signature of the model's rows."""
    rows = table(meant())
    signature = infer_signature(rows, predictor()(rows))
    mlflow.pyfunc.save_model(
        folder,
        python_model=Model(),
        signature=signature,
        code_paths=[str(Path(__file__).parent)],
        pip_requirements=[],
    )


if __name__ == "__main__":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    save(Path(sys.argv[1]))
