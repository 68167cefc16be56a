"""The bundle as an MLflow model: `loader_module` of its MLmodel is this file's copy in `code/wb_<id>`."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .predictor import Predictor
from .schema import Schema
from .surroundings import captured_function

if TYPE_CHECKING:
    import pandas as pd

    from .fields import Table


class Model:
    """What MLflow calls."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The answer as a frame, with the index of the frame that was given. The model takes no `params`."""
        import pandas as pd

        table = self.predictor.predict(model_input)
        index = model_input.index if hasattr(model_input, "iloc") else None
        return pd.DataFrame(_columns(table), index=index)


def _columns(table: Table) -> dict[str, Any]:
    """Arrays of more dimensions as lists: a frame's column has one."""
    nested = {name for name, values in table.items() if isinstance(values, np.ndarray) and values.ndim > 1}
    return {name: values.tolist() if name in nested else values for name, values in table.items()}


def _load_pyfunc(path: str) -> Model:
    """The model in the bundle folder `path`."""
    manifest = json.loads((Path(path) / "manifest.json").read_text(encoding="utf-8"))
    module = importlib.import_module(__name__.partition(".")[0])
    function = captured_function(module, manifest["entry"], manifest["entry_kind"])
    return Model(Predictor(function, Schema.from_json(manifest["schema"]), name=manifest["name"]))
