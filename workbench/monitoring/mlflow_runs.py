"""A run of a notebook -> a run of MLflow: its parameters, what it took, what became of it, and the executed notebook.

While it runs the notebook's own calls of MLflow (`mlflow.log_metric`, `mlflow.start_run`) go into the same run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_ENDED = {"done": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}


class Logged:
    """A run that was begun there; `environment` is what a process needs to log into it."""

    def __init__(self, address: str, notebook: Path, name: str, parameters: dict[str, Any]) -> None:
        from mlflow import MlflowClient

        from ..bundle.mlflow_publishing import experiment_of

        self.client = MlflowClient(tracking_uri=address, registry_uri=address)
        tags = {"workbench.run": name, "mlflow.source.name": str(notebook), "mlflow.source.type": "NOTEBOOK"}
        experiment = experiment_of(self.client, notebook.stem)
        self.run: str = self.client.create_run(experiment, run_name=f"{notebook.stem} {name}", tags=tags).info.run_id
        for key, value in parameters.items():
            self.client.log_param(self.run, key, value)
        self.environment = {"MLFLOW_TRACKING_URI": address, "MLFLOW_RUN_ID": self.run}

    def end(self, state: str, output: str, figures: dict[str, float]) -> None:
        """That it has ended so, with the executed notebook."""
        for key, value in figures.items():
            self.client.log_metric(self.run, key, value)
        if os.path.isfile(output):
            self.client.log_artifact(self.run, output)
        self.client.set_terminated(self.run, _ENDED[state])
