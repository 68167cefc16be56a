"""Answers of a captured model.py, run in a module of its own, with its state read as a bundle reads it."""

from __future__ import annotations

import io
import pickle
import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from shell import Notebook

from workbench.capture.captured import CapturedModel


class Loader(pickle.Unpickler):
    """Reads state as a bundle does: the placeholders stand for the captured module and its other state."""

    def __init__(self, model: CapturedModel, file: str, module: ModuleType) -> None:
        super().__init__(io.BytesIO(model.state[file].read_bytes()))
        self.module = module
        self.placeholders = {"captured_module": lambda _="": module, "captured_state": vars(module)["__state__"]}

    def persistent_load(self, pid: str) -> Any:
        return vars(self.module)[pid]

    def find_class(self, module: str, name: str) -> Any:
        return self.placeholders.get(name) or super().find_class(module, name)


def load(model: CapturedModel, file: str, module: ModuleType) -> Any:
    if file.endswith(".npy"):
        return np.load(model.state[file])
    return Loader(model, file, module).load()


def answer(notebook: Notebook, argument: Any) -> Any:
    """What `model.py` answers."""
    model, module = notebook.capture(), ModuleType("wbt_captured")
    vars(module)["__state__"] = cache(lambda file: load(model, file, module))
    vars(module)["__original__"] = getattr
    sys.modules["wbt_captured"] = module
    exec(compile(model.source, "model.py", "exec", dont_inherit=True), vars(module))
    return module.predict(argument)
