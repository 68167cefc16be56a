"""A run of a notebook -> a run of MLflow: its parameters, what it took and handed back, and the executed notebook.

While it runs the notebook's own calls of MLflow (`mlflow.log_metric`, `mlflow.start_run`) go into the same run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ENDED = {"done": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}


class Logged:
    """A run that was begun there; `environment` is what a process needs to log into it. One `above` it, by its id."""

    def __init__(
        self, address: str, notebook: Path, name: str, parameters: dict[str, Any], above: str | None = None
    ) -> None:
        from ..bundle.mlflow_publishing import client_of, experiment_of

        self._began = address, notebook, name
        self.client = client_of(address)
        tags = {"workbench.run": name, "mlflow.source.name": str(notebook), "mlflow.source.type": "NOTEBOOK"}
        tags |= {"mlflow.parentRunId": above} if above else {}
        experiment = experiment_of(self.client, notebook.stem)
        self.run: str = self.client.create_run(experiment, run_name=f"{notebook.stem} {name}", tags=tags).info.run_id
        for key, value in parameters.items():
            self.client.log_param(self.run, key, value)
        self.environment = {"MLFLOW_TRACKING_URI": address, "MLFLOW_RUN_ID": self.run}

    def below(self, number: int, parameters: dict[str, Any]) -> Logged:
        """The run of one of its points."""
        address, notebook, name = self._began
        return Logged(address, notebook, f"{name} point {number}", parameters, above=self.run)

    def end(self, state: str, figures: dict[str, float], files: Sequence[str]) -> None:
        """That it has ended so, with what came of it."""
        for key, value in figures.items():
            self.client.log_metric(self.run, key, value)
        for file in files:
            self.client.log_artifact(self.run, file)
        self.client.set_terminated(self.run, _ENDED[state])
